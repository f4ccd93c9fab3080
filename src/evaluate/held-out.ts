/** @file Two measures of a model on held-out pairs: the generative loss with fixed draws, and retrieval between both sides. */
import type { FeatureBatch } from "../features/feature-batch.js";
import { tokenCount } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { maskedCount } from "../models/dream/masking.js";
import { patchify } from "../models/dream/tokens.js";
import { type Device, Generator, scope } from "../tensor/index.js";
import { atRest } from "./at-rest.js";
import { meanOf } from "./intervals.js";
import { firstRightPlaces, recall } from "./retrieval.js";

/** Mean of the generative loss over mask ratios. The same seed draws the same masks and noise. */
export function generativeLoss(
  model: DreamModel,
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
    return meanOf(losses);
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

/** Share of pictures whose caption is the nearest, and of captions whose picture is, 0..1. */
export interface Retrieval {
  readonly imageToText: number;
  readonly textToImage: number;
}

/** Recall at 1 within one batch, nothing masked; pictures whose captions read alike are all right for them. */
export function retrieval(model: DreamModel, batch: FeatureBatch): Retrieval {
  return atRest(model, () => {
    const { latents, captionIds } = on(model.device, batch);
    const tokens = patchify(latents, model.config.latent.patch);
    const [B, N] = tokens.shape as [number, number];
    const images = model.embedImages(tokens, TokenMask.none(B, N)).to({ device: "cpu" });
    const texts = model.embedTexts(captionIds).to({ device: "cpu" });
    const ids = captionIds.toNumbers();
    const length = ids.length / B;
    const captions = Array.from({ length: B }, (_, i) => ids.slice(i * length, (i + 1) * length).join(" "));
    return {
      imageToText: recall(firstRightPlaces(images, texts, captions), 1),
      textToImage: recall(firstRightPlaces(texts, images, captions), 1),
    };
  });
}
