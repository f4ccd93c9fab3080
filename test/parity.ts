/** @file How far a result is from a recorded one. */
import type { Tensor } from "../src/tensor/index.js";

/** The largest difference over the largest recorded magnitude; infinite where shapes differ or a number is none. */
export function relativeError(got: Tensor, recorded: Tensor): number {
  if (String(got.shape) !== String(recorded.shape)) return Number.POSITIVE_INFINITY;
  const expected = recorded.toNumbers();
  let largest = 0;
  let difference = 0;
  for (const [i, value] of got.toNumbers().entries()) {
    if (!Number.isFinite(value)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, Math.abs(expected[i]!));
    difference = Math.max(difference, Math.abs(value - expected[i]!));
  }
  return difference / largest;
}
