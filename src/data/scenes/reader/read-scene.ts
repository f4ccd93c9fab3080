/**
 * @file The scene reader: what a picture shows, measured from its pixels alone, or that it cannot be read. It knows the world's
 * words and what they look like, never what a picture was meant to show.
 */
import type { Picture } from "../../../formats/images.js";
import {
  type Background,
  backgrounds,
  centres,
  type ObjectKind,
  type ObjectSize,
  type Position,
  palette,
  patternedBackgrounds,
  positions,
  radii,
  type SceneLevel,
  type Texture,
} from "../vocabulary.js";
import { type Coverage, coverageOf, type Matte, matteOf, type Patch, saturationOf } from "./matte.js";
import { type FittedOutline, fitOutlines } from "./outline-fit.js";
import { momentsOf, patternShares, type Spot, withoutPlane } from "./pattern.js";

/** The words of an object, each null where what is seen is none of them. */
export type ReadWords = { readonly [word in keyof ObjectKind]: ObjectKind[word] | null };

/** An object as it was read. */
export interface ReadObject extends ReadWords {
  /** Centre and radius in shares of the picture's side. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** The named place that is nearest. */
  readonly position: Position;
  /** Share of its area in which outline and pixels disagree; clean edges have under 0.1. */
  readonly misfit: number;
}

/** What a picture shows, or that it cannot be read. */
export type SceneReading =
  | { readonly kind: "unreadable"; readonly reason: string }
  /** Patches of colour that could be objects, the largest first; the ground is null where it is none of ours. */
  | {
      readonly kind: "read";
      readonly objects: readonly ReadObject[];
      readonly background: Background | null;
    };

/** Whether all that is seen has a word: what a picture of our world has. */
export function isWhole(reading: SceneReading): boolean {
  if (reading.kind === "unreadable" || reading.background === null) return false;
  return reading.objects.every(
    ({ colour, shape, size, texture }) => ![colour, shape, size, texture].includes(null),
  );
}

/** More disagreement than this is no shape of ours. */
const worstMisfit = 0.33;
/** A colour paler than this share of its own saturation is none of ours. */
const palest = 0.78;
/** Radii of this many times the smallest and largest that are drawn are none of ours. */
const radiusBounds = [0.6, 1.5] as const;

/** Measures from pixels alone what a picture of a scene shows. @param picture square @param level whose words and sizes are expected */
export function readScene(picture: Picture, level: SceneLevel): SceneReading {
  const unreadable = (reason: string): SceneReading => ({ kind: "unreadable", reason });
  if (picture.width !== picture.height) return unreadable("the picture is not square");
  const matte = matteOf(picture);
  if (matte.patches.length === 0) return unreadable("no object");
  const most = level === 1 ? 2 : 6;
  if (matte.patches.length > most) return unreadable(`${matte.patches.length} patches of colour`);
  const objects = matte.patches.map((patch) => readObject(matte, patch, level));
  return { kind: "read", objects, background: readBackground(matte, level) };
}

function readObject(matte: Matte, patch: Patch, level: SceneLevel): ReadObject {
  const coverage = coverageOf(matte, patch);
  const outline = fitOutlines(coverage, matte.width)[0]!;
  const { x, y, radius, misfit } = outline;
  const isPale = coverage.saturation < palest * saturationOf(palette[patch.colour]);
  return {
    colour: isPale ? null : patch.colour,
    shape: misfit > worstMisfit ? null : outline.shape,
    size: readSize(radius, level),
    texture: level === 1 ? "solid" : readTexture(matte, coverage, outline),
    x,
    y,
    radius,
    position: nearestPosition(x, y),
    misfit,
  };
}

function readSize(radius: number, level: SceneLevel): ObjectSize | null {
  const { small, large } = radii[level];
  if (radius < small * radiusBounds[0] || radius > large * radiusBounds[1]) return null;
  return radius < Math.sqrt(small * large) ? "small" : "large";
}

function nearestPosition(x: number, y: number): Position {
  const distance = (position: Position): number =>
    Math.hypot(x - centres[position][0], y - centres[position][1]);
  return positions.reduce((best, one) => (distance(one) < distance(best) ? one : best));
}

/** Deviation of an even surface's brightness, in shares of it, at most. */
const evenDeviation = 0.07;
/** The least share of a texture's variance that its waves must explain. */
const leastTextureShare = 0.3;

function readTexture(matte: Matte, coverage: Coverage, outline: FittedOutline): Texture | null {
  const { left, top, width, share, known } = coverage;
  const side = matte.width;
  const [cos, sin] = [Math.cos(outline.rotation), Math.sin(outline.rotation)];
  const spots: Spot[] = [];
  for (const [i, value] of share.entries()) {
    if (value < 0.97 || known[i] === 0) continue;
    const [column, row] = [left + (i % width), top + Math.floor(i / width)];
    const [dx, dy] = [(column + 0.5) / side - outline.x, (row + 0.5) / side - outline.y];
    // In radii, along the object's own axes.
    spots.push({
      x: (dx * cos + dy * sin) / outline.radius,
      y: (dy * cos - dx * sin) / outline.radius,
      value: matte.brightness[row * side + column]!,
    });
  }
  if (spots.length < 6) return null;
  const { mean, deviation } = momentsOf(spots);
  if (deviation < evenDeviation * mean) return "solid";
  const { stripes, dots } = patternShares(spots, [0.66, 0.72, 0.78], "x", [0]);
  if (Math.max(stripes, dots) < leastTextureShare) return null;
  return stripes > dots ? "striped" : "dotted";
}

/** The ground's pixels are this grey at most, and this far from any object. */
const groundSaturation = 0.1;
const clearance = 1;
/** Deviation of an even ground's brightness at most; a pattern's waves explain at least this share of the variance. */
const evenGround = 9;
const leastGroundShare = 0.35;
const leastPlaneShare = 0.6;

function readBackground(matte: Matte, level: SceneLevel): Background | null {
  const spots = groundSpots(matte);
  if (spots.length < 0.15 * matte.width * matte.height) return null;
  const allowed: readonly Background[] = level === 3 ? backgrounds : patternedBackgrounds;
  const { deviation } = momentsOf(level === 3 ? withoutClutter(spots) : spots);
  if (deviation < evenGround) return meanIsGround(spots) ? "plain" : null;
  const { rest, share: plane } = withoutPlane(spots);
  if (allowed.includes("gradient") && plane > leastPlaneShare) return "gradient";
  const pitches = [0.165, 0.175, 0.185, 0.195, 0.205];
  const turns = [-0.09, -0.06, -0.03, 0, 0.03, 0.06, 0.09];
  const { stripes, dots } = patternShares(rest, pitches, "y", turns);
  if (Math.max(stripes, dots) >= leastGroundShare) return stripes > dots ? "striped" : "dotted";
  return allowed.includes("noisy") && Math.max(stripes, dots) < leastGroundShare / 2 ? "noisy" : null;
}

/** Clutter is darker than any ground and covers little of it. */
const clutterShare = 0.1;

function withoutClutter(spots: readonly Spot[]): Spot[] {
  return [...spots].sort((a, b) => a.value - b.value).slice(Math.floor(clutterShare * spots.length));
}

/** Grounds are pale. */
function meanIsGround(spots: readonly Spot[]): boolean {
  return momentsOf(spots).mean > 190;
}

function groundSpots({ width, height, saturation, brightness, patches }: Matte): Spot[] {
  const taken = new Uint8Array(width * height);
  for (const { pixels } of patches)
    for (const at of pixels) {
      const [column, row] = [at % width, Math.floor(at / width)];
      for (let y = Math.max(0, row - clearance); y <= Math.min(height - 1, row + clearance); y++)
        for (let x = Math.max(0, column - clearance); x <= Math.min(width - 1, column + clearance); x++)
          taken[y * width + x] = 1;
    }
  const spots: Spot[] = [];
  for (let at = 0; at < taken.length; at++)
    if (taken[at] === 0 && saturation[at]! <= groundSaturation)
      spots.push({
        x: ((at % width) + 0.5) / width,
        y: (Math.floor(at / width) + 0.5) / height,
        value: brightness[at]!,
      });
  return spots;
}
