/**
 * @file A picture's patches as tokens: a convolution whose stride is its kernel, done as the one matrix product that it is. (In
 * bfloat16, libtorch 1.13's convolution adds up in bfloat16 on the CPU, and is 6% off.)
 */
import { DreamError } from "../../errors.js";
import { linear, type Tensor } from "../../tensor/index.js";

export interface Patches {
  /** [B, rows columns, D], rows first */
  readonly tokens: Tensor;
  readonly grid: readonly [rows: number, columns: number];
}

/**
 * @param pixels [B, C, H, W]; what is left of H and W after whole patches is not looked at
 * @param weight [D, C, P, P] @param bias [D], or null
 * @throws DreamError `shape` where there is no whole patch
 */
export function embedPatches(pixels: Tensor, weight: Tensor, bias: Tensor | null): Patches {
  const [B, C, height, width] = pixels.shape as [number, number, number, number];
  const P = weight.size(-1);
  const [rows, columns] = [Math.floor(height / P), Math.floor(width / P)];
  if (pixels.shape.length !== 4 || C !== weight.size(1) || rows * columns === 0)
    throw new DreamError("shape", {
      operation: "embed patches",
      expected: `[B, ${weight.size(1)}, H, W] of at least ${P} pixels each way`,
      got: `[${pixels.shape.join(", ")}]`,
    });
  const flat = pixels
    .to({ dtype: weight.dtype })
    .narrow(2, 0, rows * P)
    .narrow(3, 0, columns * P)
    .reshape([B, C, rows, P, columns, P])
    .permute([0, 2, 4, 1, 3, 5])
    .reshape([B, rows * columns, C * P * P]);
  return { tokens: linear(flat, weight.flatten(1), bias), grid: [rows, columns] };
}
