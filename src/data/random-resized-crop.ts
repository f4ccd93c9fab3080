/**
 * @file A random part of a picture, resized: torchvision's `RandomResizedCrop` (`get_params`) and `hflip`, with the random numbers
 * given by the caller.
 */
import type { Picture } from "../formats/images.js";
import { roundHalfEven } from "./centre-crop.js";
import { type OwnPicture, resample, type Window } from "./resample.js";

/** Bounds of the part's share of the area, and of its width over its height. */
export interface CropRange {
  readonly scale: readonly [lowest: number, highest: number];
  readonly ratio: readonly [lowest: number, highest: number];
}

/** torchvision's defaults. */
export const usualCropRange: CropRange = { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] };

const tries = 10;

/**
 * Draws a part of a picture: up to ten tries of an area and a ratio, then the middle.
 * @param uniform numbers in [0, 1); up to 2 for each try, and 2 for the place
 */
export function drawCrop(
  { width, height }: { readonly width: number; readonly height: number },
  { scale, ratio }: CropRange,
  uniform: () => number,
): Window {
  const [low, high] = [Math.log(ratio[0]), Math.log(ratio[1])];
  for (let i = 0; i < tries; i++) {
    const area = width * height * (scale[0] + (scale[1] - scale[0]) * uniform());
    const shape = Math.exp(low + (high - low) * uniform());
    const w = roundHalfEven(Math.sqrt(area * shape));
    const h = roundHalfEven(Math.sqrt(area / shape));
    if (!(w > 0 && w <= width && h > 0 && h <= height)) continue;
    const top = Math.floor(uniform() * (height - h + 1));
    const left = Math.floor(uniform() * (width - w + 1));
    return { left, top, width: w, height: h };
  }
  const own = width / height;
  let [w, h] = [width, height];
  if (own < ratio[0]) h = roundHalfEven(width / ratio[0]);
  else if (own > ratio[1]) w = roundHalfEven(height * ratio[1]);
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/** A part of a picture at so many pixels a side, resized with a bicubic kernel. */
export function resizedCrop(picture: Picture, part: Window, side: number): OwnPicture {
  const whole = { left: 0, top: 0, width: side, height: side };
  return resample(picture, part, [{ width: side, height: side, kernel: "bicubic" }], whole);
}

/** The mirror image, left for right. */
export function flipped({ width, height, data }: Picture): OwnPicture {
  const mirrored = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [from, to] = [3 * (y * width + x), 3 * (y * width + width - 1 - x)];
      mirrored[to] = data[from]!;
      mirrored[to + 1] = data[from + 1]!;
      mirrored[to + 2] = data[from + 2]!;
    }
  return { width, height, data: mirrored };
}
