/**
 * @file Where a picture's objects are: their colours are saturated and the grounds grey, so saturation tells how much of a
 * pixel an object covers, and hue which colour it has.
 */
import type { Picture } from "../../../formats/images.js";
import { type Colour, colours, palette } from "../vocabulary.js";

/** A pixel is an object's from this saturation on; grounds have under a tenth. */
const objectSaturation = 0.3;
/** Hue means nothing below this difference of the channels. */
const leastChroma = 14;
/** Patches of one colour smaller than this share of the picture are the seam between two objects, or dirt. */
const leastArea = 0.006;

/** One connected patch of one colour. */
export interface Patch {
  readonly colour: Colour;
  /** Places of its pixels, row by row. */
  readonly pixels: readonly number[];
}

/** A picture taken apart. */
export interface Matte {
  readonly width: number;
  readonly height: number;
  /** Chroma over the largest channel, 0..1. */
  readonly saturation: Float32Array;
  /** The largest channel, 0..255. */
  readonly brightness: Float32Array;
  /** The nearest colour of the vocabulary, as its place there; -1 for grey. */
  readonly nearest: Int8Array;
  readonly patches: readonly Patch[];
}

export function matteOf({ width, height, data }: Picture): Matte {
  const count = width * height;
  const saturation = new Float32Array(count);
  const brightness = new Float32Array(count);
  const nearest = new Int8Array(count).fill(-1);
  for (let at = 0; at < count; at++) {
    const [r, g, b] = [data[3 * at]!, data[3 * at + 1]!, data[3 * at + 2]!];
    const largest = Math.max(r, g, b);
    const chroma = largest - Math.min(r, g, b);
    brightness[at] = largest;
    saturation[at] = saturationOf([r, g, b]);
    if (chroma >= leastChroma) nearest[at] = nearestColour(hueOf(r, g, b));
  }
  const patches = patchesOf(width, height, saturation, nearest);
  return { width, height, saturation, brightness, nearest, patches };
}

/** Chroma over the largest channel, 0..1. */
export function saturationOf([r, g, b]: readonly [number, number, number]): number {
  const largest = Math.max(r, g, b);
  return largest === 0 ? 0 : (largest - Math.min(r, g, b)) / largest;
}

/** In turns, 0..1; red is 0. */
function hueOf(r: number, g: number, b: number): number {
  const largest = Math.max(r, g, b);
  const chroma = largest - Math.min(r, g, b);
  if (chroma === 0) return 0;
  const sixths =
    largest === r ? (g - b) / chroma : largest === g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
  return (((sixths / 6) % 1) + 1) % 1;
}

const paletteHues = colours.map((colour) => hueOf(...palette[colour]));

function nearestColour(hue: number): number {
  const distance = (other: number): number => {
    const apart = Math.abs(hue - other);
    return Math.min(apart, 1 - apart);
  };
  return paletteHues.reduce(
    (best, other, i) => (distance(other) < distance(paletteHues[best]!) ? i : best),
    0,
  );
}

/** Connected pixels (side by side) of one nearest colour, the largest patch first. */
function patchesOf(width: number, height: number, saturation: Float32Array, nearest: Int8Array): Patch[] {
  const seen = new Uint8Array(width * height);
  const belongs = (at: number): boolean => saturation[at]! >= objectSaturation && nearest[at]! >= 0;
  const patches: Patch[] = [];
  for (let start = 0; start < seen.length; start++) {
    if (seen[start] === 1 || !belongs(start)) continue;
    const colour = nearest[start]!;
    const pixels = [start];
    seen[start] = 1;
    for (let i = 0; i < pixels.length; i++) {
      const at = pixels[i]!;
      const column = at % width;
      for (const [next, inside] of [
        [at - 1, column > 0],
        [at + 1, column < width - 1],
        [at - width, at >= width],
        [at + width, at < width * (height - 1)],
      ] as const) {
        if (!inside || seen[next] === 1 || nearest[next] !== colour || !belongs(next)) continue;
        seen[next] = 1;
        pixels.push(next);
      }
    }
    if (pixels.length >= leastArea * width * height) patches.push({ colour: colours[colour]!, pixels });
  }
  return patches.sort((a, b) => b.pixels.length - a.pixels.length);
}

/** How much of each pixel about a patch its object covers, and where another object makes that unknowable. */
export interface Coverage {
  /** The patch's median. */
  readonly saturation: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** 0..1, row by row. */
  readonly share: Float32Array;
  /** 1 where the share is known, else 0. */
  readonly known: Float32Array;
}

/** Room about a patch in which its edge may lie, in pixels. */
const margin = 3;

/** Coverage from saturation, which a mixture with grey lowers in a known way. */
export function coverageOf(matte: Matte, patch: Patch): Coverage {
  const { width, height, saturation, brightness, nearest } = matte;
  const columns = patch.pixels.map((at) => at % width);
  const left = Math.max(0, Math.min(...columns) - margin);
  const right = Math.min(width, Math.max(...columns) + margin + 1);
  const top = Math.max(0, Math.floor(patch.pixels[0]! / width) - margin);
  const last = patch.pixels.reduce((most, at) => Math.max(most, at), 0);
  const bottom = Math.min(height, Math.floor(last / width) + margin + 1);
  const own = colours.indexOf(patch.colour);
  const inPatch = new Set(patch.pixels);
  const full = median(patch.pixels.map((at) => saturation[at]!));
  const bright = median(patch.pixels.map((at) => brightness[at]!));
  const size = { left, top, width: right - left, height: bottom - top };
  const share = new Float32Array(size.width * size.height);
  const known = new Float32Array(share.length);
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++) {
      const at = (top + y) * width + left + x;
      const here = y * size.width + x;
      const foreign =
        nearest[at]! >= 0 &&
        (nearest[at] !== own || (!inPatch.has(at) && saturation[at]! >= objectSaturation));
      if (foreign) continue;
      known[here] = 1;
      const s = Math.min(1, saturation[at]! / full);
      // saturation/full = a M / ((1 - a) G + a M), with M the object's largest channel and G the ground's grey.
      share[here] = nearest[at]! < 0 ? 0 : (s * groundGrey) / (bright * (1 - s) + s * groundGrey);
    }
  return { ...size, saturation: full, share, known };
}

/** A grey between ground and ink. */
const groundGrey = 220;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
