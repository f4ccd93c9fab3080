/** @file A step whose losses or gradients are no numbers, and which stops training. */
import { DreamError } from "../errors.js";

/** What a step came to that cannot be gone on with, over all processes. */
export interface NonFiniteFigures {
  readonly generativeLoss: number;
  readonly contrastiveLoss: number;
  readonly totalLoss: number;
  readonly gradientNorm: number;
  readonly maskRatio: number;
}

/** Thrown by a training step before it changes any parameter. */
export class NonFiniteStep extends DreamError {
  constructor(
    readonly figures: NonFiniteFigures,
    /** As the step was told it. */
    readonly place: { readonly step: number; readonly epoch: number },
  ) {
    const { generativeLoss, contrastiveLoss, gradientNorm } = figures;
    super("non-finite", {
      operation: "training step",
      expected: "finite losses and gradients",
      got: `generative ${generativeLoss}, contrastive ${contrastiveLoss}, gradient norm ${gradientNorm} at step ${place.step}, epoch ${place.epoch.toFixed(3)}`,
      hint: "lower the learning rate and start the run again; its last checkpoint is as it was",
    });
  }
}
