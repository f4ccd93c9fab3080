/** @file A scene: what a picture shows, exactly. Drawn from a combination and a stream of jitter. */
import type { SceneRandom } from "./random.js";
import {
  type Background,
  type Colour,
  type Combination,
  centres,
  type ObjectSize,
  type Position,
  palette,
  radii,
  type Shape,
} from "./vocabulary.js";

/** Red, green and blue, 0..255. */
export type Rgb = readonly [number, number, number];

/** One object, in shares of the picture's side. */
export interface SceneObject {
  readonly shape: Shape;
  readonly colour: Colour;
  readonly size: ObjectSize;
  readonly position: Position;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** In radians, clockwise. */
  readonly rotation: number;
  readonly rgb: Rgb;
}

/** What lies behind the objects. */
export interface SceneGround {
  readonly kind: Background;
  readonly base: Rgb;
  readonly ink: Rgb;
  /** Distance of stripes or dots in shares of the side, their offset, and the stripes' angle in radians. */
  readonly pitch: number;
  readonly offset: readonly [number, number];
  readonly angle: number;
}

export interface Scene {
  readonly level: 1;
  readonly ground: SceneGround;
  /** From the farthest to the nearest. */
  readonly objects: readonly SceneObject[];
}

/** A combination's scene, every number of it jittered. */
export function sceneOf(combination: Combination, random: SceneRandom): Scene {
  const { shape, colour, size, position, background } = combination;
  const [x, y] = centres[position];
  const shade = random.between(-9, 9);
  const object: SceneObject = {
    shape,
    colour,
    size,
    position,
    x: x + random.between(-0.035, 0.035),
    y: y + random.between(-0.035, 0.035),
    radius: radii[size] * random.between(0.92, 1.08),
    rotation: random.between(-0.14, 0.14),
    rgb: palette[colour].map((channel) => clamp(channel + shade + random.between(-10, 10))) as unknown as Rgb,
  };
  const grey = random.between(224, 242);
  const base = [0, 1, 2].map(() => clamp(grey + random.between(-4, 4))) as unknown as Rgb;
  return {
    level: 1,
    ground: {
      kind: background,
      base,
      ink: base.map((channel) => clamp(channel - random.between(58, 72))) as unknown as Rgb,
      pitch: random.between(0.17, 0.2),
      offset: [random.between(0, 1), random.between(0, 1)],
      angle: random.between(-0.08, 0.08),
    },
    objects: [object],
  };
}

function clamp(channel: number): number {
  return Math.min(255, Math.max(0, channel));
}
