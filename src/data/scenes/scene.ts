/** @file A scene: what a picture shows, exactly; every number is in shares of the picture's side. */
import type { SceneRandom } from "./random.js";
import {
  type Background,
  type ObjectKind,
  palette,
  type Relation,
  radii,
  type SceneLevel,
} from "./vocabulary.js";

/** Red, green and blue, 0..255. */
export type Rgb = readonly [number, number, number];

/** One object. */
export interface SceneObject extends ObjectKind {
  readonly x: number;
  readonly y: number;
  /** Circles and squares of one radius have one area; a triangle's corners are 1.2 radii from its centroid. */
  readonly radius: number;
  /** In radians, clockwise. */
  readonly rotation: number;
  readonly rgb: Rgb;
  /** Distance from the eye: all objects are equally large, so the nearer looks larger. */
  readonly depthMetres: number;
}

/** What lies behind the objects. */
export interface SceneGround {
  readonly kind: Background;
  readonly base: Rgb;
  readonly ink: Rgb;
  /** Distance of stripes or dots, their offset, and the angle of stripes or of a gradient in radians. */
  readonly pitch: number;
  readonly offset: readonly [number, number];
  readonly angle: number;
}

/** A grey mark on the ground that no caption speaks of. */
export interface ClutterMark {
  readonly from: readonly [x: number, y: number];
  readonly to: readonly [x: number, y: number];
  readonly width: number;
  readonly rgb: Rgb;
}

/** What a picture of the small world shows, before it is rendered. */
export interface Scene {
  readonly level: SceneLevel;
  readonly ground: SceneGround;
  readonly clutter: readonly ClutterMark[];
  /** From the farthest to the nearest: a nearer one hides what is behind it. */
  readonly objects: readonly SceneObject[];
  /** How the first object named stands to the second, where a caption says so (level 2). */
  readonly relation: { readonly first: number; readonly second: number; readonly kind: Relation } | null;
}

/** Where the ground is, in metres; every object is nearer. */
export const groundDepthMetres = 6;

/** An object of radius 0.22 is 2 m away, and a smaller one as much farther as it is smaller. */
const metresTimesRadius = 0.44;

/** The largest share of its radius that an object reaches from its centre: a triangle's corners. */
export const reach = 1.2;

/** An object's radius for a size word, jittered. */
export function jitteredRadius(level: SceneLevel, { size }: ObjectKind, random: SceneRandom): number {
  return radii[level][size] * random.between(0.92, 1.08);
}

/** An object of a kind at a place, its colour and turn jittered. */
export function objectAt(
  { colour, shape, size, texture }: ObjectKind,
  { x, y, radius }: { readonly x: number; readonly y: number; readonly radius: number },
  random: SceneRandom,
): SceneObject {
  const shade = random.between(-9, 9);
  return {
    colour,
    shape,
    size,
    texture,
    x,
    y,
    radius,
    rotation: random.between(-0.14, 0.14),
    rgb: palette[colour].map((channel) => clamp(channel + shade + random.between(-10, 10))) as unknown as Rgb,
    depthMetres: metresTimesRadius / radius,
  };
}

/** A ground of a kind, jittered. */
export function groundOf(kind: Background, random: SceneRandom): SceneGround {
  const grey = random.between(224, 242);
  const base = [0, 1, 2].map(() => clamp(grey + random.between(-4, 4))) as unknown as Rgb;
  const depth = random.between(58, 72);
  return {
    kind,
    base,
    ink: base.map((channel) => clamp(channel - depth)) as unknown as Rgb,
    pitch: random.between(0.17, 0.2),
    offset: [random.between(0, 1), random.between(0, 1)],
    angle: kind === "gradient" ? random.between(-Math.PI, Math.PI) : random.between(-0.08, 0.08),
  };
}

/** Short grey lines, thinner than any object. */
export function clutterOf(count: number, random: SceneRandom): ClutterMark[] {
  return Array.from({ length: count }, () => {
    const [x, y] = [random.between(0.05, 0.95), random.between(0.05, 0.95)];
    const [angle, length] = [random.between(0, Math.PI), random.between(0.05, 0.14)];
    const grey = random.between(95, 150);
    return {
      from: [x, y] as const,
      to: [x + length * Math.cos(angle), y + length * Math.sin(angle)] as const,
      width: random.between(0.012, 0.022),
      rgb: [grey, grey, grey] as const,
    };
  });
}

function clamp(channel: number): number {
  return Math.min(255, Math.max(0, channel));
}
