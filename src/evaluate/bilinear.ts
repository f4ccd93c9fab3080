/** @file Bilinear interpolation at chosen pixels, as `upsample_bilinear2d` draws out whole pictures (corners not aligned). */
import { type Tensor, tensor } from "../tensor/index.js";

/**
 * How much of each of the grid's numbers is in each of some pixels.
 * @param places of the pixels, row by row @param side of the picture, in pixels @param grid numbers on a side
 * @returns float32 [places, grid x grid]
 */
export function bilinearRows(places: readonly number[], side: number, grid: number): Tensor {
  const shares = new Float32Array(places.length * grid * grid);
  for (const [i, place] of places.entries()) {
    const down = neighbours(Math.floor(place / side), side, grid);
    const across = neighbours(place % side, side, grid);
    for (const [y, ofRow] of down)
      for (const [x, ofColumn] of across) shares[(i * grid + y) * grid + x]! += ofRow * ofColumn;
  }
  return tensor(shares, [places.length, grid * grid]);
}

/** The two numbers of an axis that a pixel lies between, with their shares. */
function neighbours(
  pixel: number,
  side: number,
  grid: number,
): readonly (readonly [at: number, share: number])[] {
  const place = Math.max(0, ((pixel + 0.5) * grid) / side - 0.5);
  const low = Math.floor(place);
  const share = place - low;
  return [
    [low, 1 - share],
    [Math.min(low + 1, grid - 1), share],
  ];
}
