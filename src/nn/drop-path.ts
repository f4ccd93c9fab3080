/** @file Stochastic depth: in training a block's residual is left out for some samples, and the others' scaled so that means stay. */
import { rand, type Tensor } from "../tensor/index.js";

/**
 * As timm's `drop_path` with `scale_by_keep`; choices are seeded by the CPU's default generator.
 * @param x [B, N, D] @param share of the samples, 0..1 and not 1; 0 gives `x` itself
 */
export function dropPath(x: Tensor, share: number): Tensor {
  if (share === 0) return x;
  const kept = rand([x.size(0), 1, 1])
    .ge(share)
    .to({ dtype: "float32", device: x.device });
  return x.mul(kept.div(1 - share));
}
