/** @file The words of the scenes' world, and what they mean in colours and shares of the picture (DESIGN section 5). */

export const colours = ["red", "green", "blue", "yellow", "purple", "orange"] as const;
export const shapes = ["circle", "square", "triangle"] as const;
export const objectSizes = ["small", "large"] as const;
export const positions = ["top left", "top right", "centre", "bottom left", "bottom right"] as const;
export const textures = ["solid", "striped", "dotted"] as const;
export const relations = ["left of", "right of", "above", "below"] as const;
/** Grounds of levels 1 and 2; level 3 has two more. */
export const patternedBackgrounds = ["plain", "striped", "dotted"] as const;
export const backgrounds = [...patternedBackgrounds, "gradient", "noisy"] as const;

/** 1: one object. 2: two objects, a relation, textures. 3: one to four objects, occlusion, clutter, gradients and noise. */
export const sceneLevels = [1, 2, 3] as const;

export type Colour = (typeof colours)[number];
export type Shape = (typeof shapes)[number];
export type ObjectSize = (typeof objectSizes)[number];
export type Position = (typeof positions)[number];
export type Texture = (typeof textures)[number];
export type Relation = (typeof relations)[number];
export type Background = (typeof backgrounds)[number];
export type SceneLevel = (typeof sceneLevels)[number];

/** Red, green and blue, 0..255, before jitter. Bright objects on pale grounds. */
export const palette: Readonly<Record<Colour, readonly [number, number, number]>> = {
  red: [222, 56, 58],
  green: [54, 168, 83],
  blue: [56, 104, 224],
  yellow: [244, 204, 48],
  purple: [146, 72, 196],
  orange: [245, 132, 38],
};

/** Where an object of level 1 has its centre, in shares of the picture's side, before jitter. */
export const centres: Readonly<Record<Position, readonly [x: number, y: number]>> = {
  "top left": [0.28, 0.28],
  "top right": [0.72, 0.28],
  centre: [0.5, 0.5],
  "bottom left": [0.28, 0.72],
  "bottom right": [0.72, 0.72],
};

/** An object's radius in shares of the picture's side, before jitter: the more objects, the smaller they are. */
export const radii: Readonly<Record<SceneLevel, Readonly<Record<ObjectSize, number>>>> = {
  1: { small: 0.12, large: 0.22 },
  2: { small: 0.1, large: 0.18 },
  3: { small: 0.09, large: 0.16 },
};

/** What an object is called, without its place. */
export interface ObjectKind {
  readonly colour: Colour;
  readonly shape: Shape;
  readonly size: ObjectSize;
  readonly texture: Texture;
}
