/**
 * @file A scene as pixels: anti-aliased by the distance to each edge. Beside the picture, which object each pixel shows and how
 * far away it is.
 */
import type { Picture } from "../../formats/images.js";
import type { ClutterMark, Rgb, Scene, SceneGround, SceneObject } from "./scene.js";
import { groundDepthMetres } from "./scene.js";
import type { Shape } from "./vocabulary.js";

/** A picture with its truth. */
export interface RenderedScene {
  readonly picture: Picture;
  /** For each pixel 0 for the ground, else 1 plus the number of the nearest object that covers at least half of it. */
  readonly mask: Uint8Array;
  /** For each pixel the distance of what it shows, in millimetres. */
  readonly depthMillimetres: Uint16Array;
  /** For each object the share of its pixels that nothing hides, 0..1. */
  readonly visibleShares: readonly number[];
}

/** Draws a scene anti-aliased, with its segmentation and depth. @param sizePixels side of the square picture */
export function renderScene(scene: Scene, sizePixels: number): RenderedScene {
  const { ground, clutter, objects } = scene;
  const data = new Uint8Array(sizePixels * sizePixels * 3);
  const mask = new Uint8Array(sizePixels * sizePixels);
  const depthMillimetres = new Uint16Array(sizePixels * sizePixels);
  const covers = objects.map(() => 0);
  const pixel = 1 / sizePixels;
  for (let row = 0; row < sizePixels; row++) {
    for (let column = 0; column < sizePixels; column++) {
      const [x, y] = [(column + 0.5) * pixel, (row + 0.5) * pixel];
      let colour = groundAt(ground, x, y, pixel);
      for (const mark of clutter) colour = mix(colour, mark.rgb, markCoverage(mark, x, y, pixel));
      const at = row * sizePixels + column;
      for (const [number, object] of objects.entries()) {
        const coverage = coverageAt(object, x, y, pixel);
        if (coverage === 0) continue;
        colour = mix(colour, surfaceAt(object, x, y, pixel), coverage);
        if (coverage < 0.5) continue;
        mask[at] = number + 1;
        covers[number]!++;
      }
      const nearest = objects[mask[at]! - 1];
      depthMillimetres[at] = Math.round(1000 * (nearest?.depthMetres ?? groundDepthMetres));
      for (let channel = 0; channel < 3; channel++) data[at * 3 + channel] = Math.round(colour[channel]!);
    }
  }
  const shown = objects.map(() => 0);
  for (const number of mask) if (number > 0) shown[number - 1]!++;
  return {
    picture: { width: sizePixels, height: sizePixels, data },
    mask,
    depthMillimetres,
    visibleShares: shown.map((count, i) => (covers[i] === 0 ? 0 : count / covers[i]!)),
  };
}

function mix(below: Rgb, above: Rgb, share: number): Rgb {
  if (share <= 0) return below;
  return below.map((channel, i) => channel + (above[i]! - channel) * share) as unknown as Rgb;
}

/** Share of a pixel inside an edge at a signed distance. */
function covered(distance: number, pixel: number): number {
  return Math.min(1, Math.max(0, 0.5 - distance / pixel));
}

/** What a shape's outline depends on. */
export interface Outline {
  readonly shape: Shape;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly rotation: number;
}

/** Share of the pixel about (x, y) that an outline covers, 0..1. */
export function coverageAt(outline: Outline, x: number, y: number, pixel: number): number {
  return covered(distanceTo(outline, x, y), pixel);
}

/** Signed distance to an outline, negative inside. */
function distanceTo({ shape, x: cx, y: cy, radius, rotation }: Outline, x: number, y: number): number {
  const [dx, dy] = [x - cx, y - cy];
  if (shape === "circle") return Math.hypot(dx, dy) - radius;
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const [u, v] = [dx * cos + dy * sin, dy * cos - dx * sin];
  if (shape === "square") return Math.max(Math.abs(u), Math.abs(v)) - radius * 0.886;
  return triangleDistance(u, v, radius * 1.2);
}

/** An equilateral triangle, point up, about its centroid. @param radius to its corners */
function triangleDistance(u: number, v: number, radius: number): number {
  const inner = radius / 2;
  const slanted = Math.abs(u) * Math.cos(Math.PI / 6) - v * Math.sin(Math.PI / 6);
  return Math.max(v - inner, slanted - inner);
}

/** How much darker a texture's ink is than the object. */
const textureShade = 0.55;

/** An object's colour: even, with upright stripes, or with dots; the pattern goes with its size and turn. */
function surfaceAt(
  { texture, rgb, x: cx, y: cy, radius, rotation }: SceneObject,
  x: number,
  y: number,
  pixel: number,
): Rgb {
  if (texture === "solid") return rgb;
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const [dx, dy] = [x - cx, y - cy];
  const [u, v] = [dx * cos + dy * sin, dy * cos - dx * sin];
  const pitch = 0.72 * radius;
  const ink = texture === "striped" ? stripeInk(u, pitch, pixel) : dotInk(u, v, pitch, pixel);
  return mix(rgb, rgb.map((channel) => channel * textureShade) as unknown as Rgb, ink);
}

/** Share of ink in a pixel at a place across stripes of 0.4 of their pitch. */
function stripeInk(across: number, pitch: number, pixel: number): number {
  return covered(Math.abs(fromNearest(across, pitch)) - 0.2 * pitch, pixel);
}

/** Share of ink in a pixel among dots of radius 0.26 of their pitch. */
function dotInk(u: number, v: number, pitch: number, pixel: number): number {
  return covered(Math.hypot(fromNearest(u, pitch), fromNearest(v, pitch)) - 0.26 * pitch, pixel);
}

/** How far a place is from the middle of its cell. */
function fromNearest(place: number, pitch: number): number {
  const cells = place / pitch;
  return (cells - Math.floor(cells) - 0.5) * pitch;
}

function groundAt(ground: SceneGround, x: number, y: number, pixel: number): Rgb {
  const { kind, base, ink, pitch, offset, angle } = ground;
  switch (kind) {
    case "plain":
      return base;
    case "striped":
      return mix(
        base,
        ink,
        stripeInk(x * Math.sin(angle) + y * Math.cos(angle) + offset[0] * pitch, pitch, pixel),
      );
    case "dotted":
      return mix(base, ink, dotInk(x + offset[0] * pitch, y + offset[1] * pitch, pitch, pixel));
    case "gradient":
      return mix(base, ink, 0.5 + 0.7 * ((x - 0.5) * Math.cos(angle) + (y - 0.5) * Math.sin(angle)));
    case "noisy":
      return mix(base, ink, grainAt(ground, x, y, pixel));
    default:
      throw new Error(`internal: no ground ${kind satisfies never}`);
  }
}

/** A number of 0..1 for each pixel, the same for the same ground. */
function grainAt({ offset }: SceneGround, x: number, y: number, pixel: number): number {
  const [column, row] = [Math.floor(x / pixel), Math.floor(y / pixel)];
  let hash = Math.imul(column + 1, 0x9e3779b1) ^ Math.imul(row + 1, 0x85ebca6b);
  hash ^= Math.floor(offset[0] * 0x7fffffff);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x100000000;
}

/** Share of a pixel that a line covers. */
function markCoverage({ from, to, width }: ClutterMark, x: number, y: number, pixel: number): number {
  const [lengthX, lengthY] = [to[0] - from[0], to[1] - from[1]];
  const along = ((x - from[0]) * lengthX + (y - from[1]) * lengthY) / (lengthX ** 2 + lengthY ** 2);
  const nearest = Math.min(1, Math.max(0, along));
  const distance = Math.hypot(x - from[0] - nearest * lengthX, y - from[1] - nearest * lengthY);
  return covered(distance - width / 2, pixel);
}
