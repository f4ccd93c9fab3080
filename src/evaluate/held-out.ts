/** @file Two measures of a model on held-out pairs: the generative loss with fixed draws, and retrieval between both sides. */
import type { FeatureBatch } from "../features/feature-batch.js";
import { tokenCount } from "../models/dream/config.js";
import type { Dream } from "../models/dream/dream.js";
import { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { maskedCount } from "../models/dream/masking.js";
import { patchify } from "../models/dream/tokens.js";
import { type Device, Generator, scope } from "../tensor/index.js";
import { atRest } from "./at-rest.js";

/** Mean of the generative loss over mask ratios. The same seed draws the same masks and noise. */
export function generativeLoss(
  model: Dream,
  batch: FeatureBatch,
  ratios: readonly number[],
  seed: number,
): number {
  return atRest(model, () => {
    const random = Generator.fromSeed(seed);
    const N = tokenCount(model.config);
    const losses = ratios.map((ratio) =>
      scope(() => {
        const orders = TokenOrders.random(batch.latents.size(0), N, random);
        const group = { ...on(model.device, batch), mask: TokenMask.firstOf(orders, maskedCount(ratio, N)) };
        return model.generativeLoss(group, model.drawDiffusion(group, random)).item();
      }),
    );
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  });
}

/** A batch where a model computes. */
function on(device: Device, { latents, captionIds, captions }: FeatureBatch): FeatureBatch {
  return {
    latents: latents.to({ device }),
    captionIds: captionIds.to({ device }),
    captions: captions.to({ device }),
  };
}

/** Share of pictures whose own caption is the nearest, and of captions whose own picture is, 0..1. */
export interface Retrieval {
  readonly imageToText: number;
  readonly textToImage: number;
}

/** Recall at 1 within one batch, nothing masked. Pairs must differ in what they show. */
export function retrieval(model: Dream, batch: FeatureBatch): Retrieval {
  return atRest(model, () => {
    const { latents, captionIds } = on(model.device, batch);
    const tokens = patchify(latents, model.config.latent.patch);
    const [B, N] = tokens.shape as [number, number];
    const images = model.embedImages(tokens, TokenMask.none(B, N));
    const scores = images.mm(model.embedTexts(captionIds).t());
    const hits = (best: readonly number[]): number => best.filter((found, i) => found === i).length / B;
    return {
      imageToText: hits(scores.argmax(1).toNumbers()),
      textToImage: hits(scores.argmax(0).toNumbers()),
    };
  });
}
