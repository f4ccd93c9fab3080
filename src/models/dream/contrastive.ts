/** @file The contrastive loss: symmetric InfoNCE over the batch, without the images that show too little (SPEC section 4). */
import { arange, crossEntropy, scope, type Tensor, tensor } from "../../tensor/index.js";
import type { ContrastiveConfig } from "./config.js";

/** Loss, and the share of the batch's samples that show enough. */
export interface ContrastiveLoss {
  readonly loss: Tensor;
  readonly keptShare: number;
}

/** Unit length along the last axis, as PyTorch's `normalize` does it (norms below 1e-12 count as 1e-12). */
export function normalise(x: Tensor): Tensor {
  return scope(() => x.div(x.linalgNorm(2, -1, true).clamp(1e-12)));
}

/** Keeps the sums of an empty selection finite. */
const epsilon = 1e-6;

const negativeInfinity = -1e9;

/**
 * @param images [B, W] raw image embeddings @param texts [B, W] raw text embeddings @param scale the exponentiated logit scale
 * @param kept one flag for each sample: shows enough of itself
 */
export function contrastiveLoss(
  images: Tensor,
  texts: Tensor,
  scale: Tensor,
  kept: readonly boolean[],
  config: ContrastiveConfig,
): ContrastiveLoss {
  const B = kept.length;
  const keptCount = kept.filter(Boolean).length;
  const keptShare = keptCount / (B + epsilon);
  const loss = scope(() => {
    const logits = scale.mul(normalise(images)).matmul(normalise(texts).t());
    const labels = arange(0, B, 1, { dtype: "int64", device: images.device });
    const perSample = (perImage: Tensor, perText: Tensor): Tensor =>
      crossEntropy(perImage, labels, null, 0)
        .add(crossEntropy(perText, labels, null, 0))
        .div(2);
    if (config.kind === "filtered") {
      const flags = tensor(kept.map(Number), [B], { device: images.device });
      const dropped = flags.eq(0);
      const perImage = logits.maskedFill(dropped.unsqueeze(1), negativeInfinity);
      const perText = logits.t().maskedFill(dropped.unsqueeze(0), negativeInfinity);
      return perSample(perImage, perText)
        .mul(flags)
        .sum()
        .div(keptCount + epsilon);
    }
    const mean = perSample(logits, logits.t()).mean();
    const scaled = config.scaling === "by-kept-share" ? mean.div(keptShare) : mean;
    return keptShare < config.minimumVisible
      ? scaled.mul(0).maskedFill(scaled.isfinite().logicalNot(), 0)
      : scaled;
  });
  return { loss, keptShare };
}
