/** @file The words of the scenes' world, level 1: what can be said of one object on one background (DESIGN section 5). */

export const colours = ["red", "green", "blue", "yellow", "purple", "orange"] as const;
export const shapes = ["circle", "square", "triangle"] as const;
export const objectSizes = ["small", "large"] as const;
export const positions = ["top left", "top right", "centre", "bottom left", "bottom right"] as const;
export const backgrounds = ["plain", "striped", "dotted"] as const;

export type Colour = (typeof colours)[number];
export type Shape = (typeof shapes)[number];
export type ObjectSize = (typeof objectSizes)[number];
export type Position = (typeof positions)[number];
export type Background = (typeof backgrounds)[number];

/** What a level-1 scene shows, without its jitter: one of 540 combinations. */
export interface Combination {
  readonly colour: Colour;
  readonly shape: Shape;
  readonly size: ObjectSize;
  readonly position: Position;
  readonly background: Background;
}

/** All 540, in a fixed order; a combination's number is its place here. */
export const combinations: readonly Combination[] = colours.flatMap((colour) =>
  shapes.flatMap((shape) =>
    objectSizes.flatMap((size) =>
      positions.flatMap((position) =>
        backgrounds.map((background) => ({ colour, shape, size, position, background })),
      ),
    ),
  ),
);

/** Red, green and blue, 0..255, before jitter. Bright objects on pale grounds. */
export const palette: Readonly<Record<Colour, readonly [number, number, number]>> = {
  red: [222, 56, 58],
  green: [54, 168, 83],
  blue: [56, 104, 224],
  yellow: [244, 204, 48],
  purple: [146, 72, 196],
  orange: [245, 132, 38],
};

/** Where an object's centre is, in shares of the picture's side, before jitter. */
export const centres: Readonly<Record<Position, readonly [x: number, y: number]>> = {
  "top left": [0.28, 0.28],
  "top right": [0.72, 0.28],
  centre: [0.5, 0.5],
  "bottom left": [0.28, 0.72],
  "bottom right": [0.72, 0.72],
};

/** An object's radius in shares of the picture's side, before jitter. */
export const radii: Readonly<Record<ObjectSize, number>> = { small: 0.12, large: 0.22 };
