/** @file What one process's part of a step draws by chance: made before its batch is there, while a GPU is still at the step before. */
import { tokenCount } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask } from "../models/dream/mask.js";
import { type MaskingSchedule, maskedCount } from "../models/dream/masking.js";
import type { DiffusionDraws } from "../models/dream/token-diffusion.js";
import type { Share } from "./sharing.js";
import { StepRandom } from "./step-random.js";

/** Where in training a step is. */
export interface StepPlace {
  /** Counted from 0. */
  readonly step: number;
  /** Fractional; decides learning rate and mask ratios. */
  readonly epoch: number;
}

/** A share of the batch with its mask. */
export interface DrawnShare {
  readonly share: Share;
  readonly mask: TokenMask;
  /** One flag for each sample. */
  readonly captionsDropped: readonly boolean[];
  /** Null where the generative loss does not count. */
  readonly draws: DiffusionDraws | null;
}

export interface DrawnStep {
  readonly place: StepPlace;
  readonly random: StepRandom;
  /** Tokens that each mask group of the whole step hides. */
  readonly masked: readonly number[];
  /** This process's. */
  readonly shares: readonly DrawnShare[];
}

export interface DrawSettings {
  readonly seed: number;
  readonly masking: MaskingSchedule;
  readonly maskGroups: number;
  readonly captionDrop: number;
}

/** @returns tensors that belong to the caller: {@link disposeDrawn} */
export function drawStep(
  model: DreamModel,
  shares: readonly Share[],
  { seed, masking, maskGroups, captionDrop }: DrawSettings,
  place: StepPlace,
): DrawnStep {
  const random = new StepRandom(seed, place.step);
  const N = tokenCount(model.config);
  const masked = Array.from({ length: maskGroups }, (_, group) =>
    maskedCount(random.maskRatio(group, masking, place.epoch), N),
  );
  const drawn = shares.map((share): DrawnShare => {
    const chances = random.share(model, share, captionDrop);
    const { orders, captionsDropped } = chances;
    const mask = TokenMask.firstOf(orders, masked[share.group]!);
    const draws = model.generates(mask) ? chances.diffusion(mask) : null;
    chances.dispose();
    draws?.times.persist();
    draws?.noise.persist();
    return { share, mask, captionsDropped, draws };
  });
  return { place, random, masked, shares: drawn };
}

export function disposeDrawn({ shares }: DrawnStep): void {
  for (const { draws } of shares) {
    draws?.times.dispose();
    draws?.noise.dispose();
  }
}
