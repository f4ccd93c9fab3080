/** @file Learned positions of a square grid of patches on a grid of another size. */
import { call, scope, type Tensor, upsampleBicubic } from "../../tensor/index.js";

/** `bicubic` takes the nearest 4x4 however far apart the new places are; `antialiased` widens the filter with them. */
export type Resampling = "bicubic" | "antialiased";

/**
 * @param positions [1, G G, D] of a square grid, rows first @param grid the new one's rows and columns
 * @returns [1, rows columns, D]; the same where the grid is, else computed in float32
 */
export function resamplePositions(
  positions: Tensor,
  [rows, columns]: readonly [number, number],
  resampling: Resampling,
): Tensor {
  const [, count, width] = positions.shape as [number, number, number];
  const edge = Math.round(Math.sqrt(count));
  if (rows === edge && columns === edge) return positions;
  return scope(() => {
    const image = positions.to({ dtype: "float32" }).reshape([1, edge, edge, width]).permute([0, 3, 1, 2]);
    const other =
      resampling === "bicubic"
        ? upsampleBicubic(image, [rows, columns], false)
        : (call("aten::_upsample_bicubic2d_aa", image, [rows, columns], false, null, null) as Tensor);
    return other.flatten(2).transpose(1, 2).to({ dtype: positions.dtype });
  });
}
