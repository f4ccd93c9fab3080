/** @file The learning rate over training (SPEC section 6). Epochs are fractional, so that it moves at every step. */

/** Linear warmup from 0, then constant, or a half cosine down to `minimum`. */
export interface LearningRateSchedule {
  readonly kind: "constant" | "cosine";
  readonly peak: number;
  readonly minimum: number;
  readonly warmupEpochs: number;
  readonly totalEpochs: number;
}

/** @param epoch fractional, from 0 */
export function learningRateAt(schedule: LearningRateSchedule, epoch: number): number {
  const { kind, peak, minimum, warmupEpochs, totalEpochs } = schedule;
  if (epoch < warmupEpochs) return (peak * epoch) / warmupEpochs;
  switch (kind) {
    case "constant":
      return peak;
    case "cosine": {
      const progress = (epoch - warmupEpochs) / (totalEpochs - warmupEpochs);
      return minimum + (peak - minimum) * 0.5 * (1 + Math.cos(Math.PI * progress));
    }
    default:
      throw new Error(`internal: no schedule ${kind satisfies never}`);
  }
}

/** The paper's rule: the peak grows with the batch. @param base the rate for 256 images */
export function scaledLearningRate(base: number, batchSize: number): number {
  return (base * batchSize) / 256;
}
