/** @file REPA (arXiv 2410.06940): an inner representation drawn towards a frozen encoder's patch features (SPEC section 10). */
import { cosineSimilarity, scope, type Tensor, zeros } from "../../tensor/index.js";
import type { TokenMask } from "./mask.js";

/**
 * Mean of 1 - cosine over the visible image tokens; 0 where nothing is visible.
 * @param projected [B, U + V, W], buffers first @param targets frozen features of all tokens, [B, N, W]
 */
export function alignmentLoss(projected: Tensor, targets: Tensor, mask: TokenMask): Tensor {
  return scope(() => {
    const V = mask.tokenCount - mask.count;
    if (V === 0) return zeros([], { device: projected.device });
    const [B, T, W] = projected.shape as [number, number, number];
    const at = mask.otherPositions(projected.device).unsqueeze(-1).expand([B, V, W]);
    const similarity = cosineSimilarity(projected.narrow(1, T - V, V), targets.detach().gather(1, at), -1);
    return similarity.neg().add(1).mean();
  });
}
