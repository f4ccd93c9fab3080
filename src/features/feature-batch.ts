/** @file What training and drawing read: pictures as latents, captions as ids. Where they come from is the source's matter. */
import type { Tensor } from "../tensor/index.js";

/** B captioned pictures as tensors. */
export interface FeatureBatch {
  /** [B, C, H, W] */
  readonly latents: Tensor;
  /** For the text tower, int64 [B, context]. */
  readonly captionIds: Tensor;
  /** For the decoder: states [B, L, W], or word ids int64 [B, L]. */
  readonly captions: Tensor;
  /** Each picture's class, int64 [B], where the source knows all of them. */
  readonly classes?: Tensor | undefined;
  /** What a frozen encoder gives of each picture's tokens, [B, N, W], where the model is aligned to it. */
  readonly alignmentTargets?: Tensor | undefined;
}

/** Batches by sample number. */
export interface FeatureSource {
  readonly count: number;
  /** Decoder captions of the empty caption, one row. */
  readonly emptyCaption: Tensor;
  /**
   * * The samples of some places, as the model takes them.
   * @param step decides what is drawn by chance (flips, the posterior's noise): the same step gives the same batch
   * @param firstPlace of these samples in the step's batch, of which a process may take a part
   */
  batch(numbers: readonly number[], step: number, firstPlace: number): FeatureBatch | Promise<FeatureBatch>;
  /** The names, for people, of the samples that a batch of these numbers is made of. */
  keysOf(numbers: readonly number[]): readonly string[];
}
