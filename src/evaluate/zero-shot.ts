/** @file Zero-shot classification while tokens are hidden: the curve that lets SAD score a drawing hardly begun (SPEC section 11). */
import { tokenCount } from "../models/dream/config.js";
import type { Dream } from "../models/dream/dream.js";
import { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { maskedCount } from "../models/dream/masking.js";
import { patchify } from "../models/dream/tokens.js";
import { Generator, scope, type Tensor } from "../tensor/index.js";
import { atRest } from "./at-rest.js";

export interface ZeroShotPoint {
  /** Share of the tokens that is hidden, 0..1. */
  readonly masked: number;
  /** Share of the pictures whose own class has the nearest text, 0..1. */
  readonly accuracy: number;
}

/** Pictures that are embedded at a time. */
const window = 256;

/**
 * @param latents [P, C, H, W] @param classes of each picture @param classIds each class's caption, int64 [K, context]
 * @param seed draws what is hidden, the same pictures' tokens in the same order at every share
 */
export function zeroShotCurve(
  model: Dream,
  { latents, classes, classIds }: { latents: Tensor; classes: readonly number[]; classIds: Tensor },
  shares: readonly number[],
  seed: number,
): ZeroShotPoint[] {
  return atRest(model, () => {
    const texts = model.embedTexts(classIds).t();
    const N = tokenCount(model.config);
    return shares.map((masked) => {
      const random = Generator.fromSeed(seed);
      let hits = 0;
      for (let first = 0; first < classes.length; first += window)
        scope(() => {
          const B = Math.min(window, classes.length - first);
          const tokens = patchify(latents.narrow(0, first, B), model.config.latent.patch);
          const orders = TokenOrders.random(B, N, random);
          const images = model.embedImages(tokens, TokenMask.firstOf(orders, maskedCount(masked, N)));
          for (const [i, found] of images.mm(texts).argmax(1).toNumbers().entries())
            if (found === classes[first + i]) hits++;
        });
      return { masked, accuracy: hits / classes.length };
    });
  });
}
