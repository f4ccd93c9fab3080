/** @file The middle of a truth at the size that a model takes: the same square as `centreCrop` cuts out of the picture, by the nearest pixel. */
import { planCrop } from "../centre-crop.js";
import type { DepthTruth, LabelTruth } from "./dense-split.js";

/** @param side of the square, in pixels @returns side x side numbers, each one of the truth's own */
export function nearestCrop<Truth extends LabelTruth | DepthTruth>(
  truth: Truth,
  side: number,
): Truth["data"] {
  const { width, height, data } = truth;
  const { steps, wanted } = planCrop(truth, side);
  const { width: finalWidth, height: finalHeight } = steps.at(-1)!;
  const columns = places(wanted.left, side, width / finalWidth);
  const rows = places(wanted.top, side, height / finalHeight);
  const square = new (data.constructor as new (length: number) => Truth["data"])(side * side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) square[y * side + x] = data[rows[y]! * width + columns[x]!]!;
  return square;
}

/** The input pixel in which the middle of each output pixel lies. @param scale input pixels to one output pixel */
function places(first: number, count: number, scale: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor((first + i + 0.5) * scale));
}
