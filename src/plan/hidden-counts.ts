/** @file How many tokens a mask group hides, as probabilities: what costs depend on, averaged over a whole run. */
import { drawMaskRatio, type MaskingSchedule, maskedCount } from "../models/dream/masking.js";

/** The probability of each number of hidden tokens, 0..N. */
export type HiddenCounts = Float64Array;

/** Points of a midpoint rule: over the draws of an epoch, and over the epochs of a run. */
const [drawPoints, epochPoints] = [250, 32];

/** Of one draw at an epoch. @param N image tokens */
export function hiddenCountsAt(masking: MaskingSchedule, epoch: number, N: number): HiddenCounts {
  const probabilities = new Float64Array(N + 1);
  for (let i = 0; i < drawPoints; i++) {
    const ratio = drawMaskRatio(masking, epoch, (i + 0.5) / drawPoints);
    probabilities[maskedCount(ratio, N)]! += 1 / drawPoints;
  }
  return probabilities;
}

/** Moments of a run, equally far apart. @param epochs of the whole run */
export function epochsOf(epochs: number, points: number = epochPoints): number[] {
  return Array.from({ length: points }, (_, i) => ((i + 0.5) / points) * epochs);
}

/** Of a draw at any moment of a run. */
export function hiddenCounts(masking: MaskingSchedule, epochs: number, N: number): HiddenCounts {
  const moments = epochsOf(epochs);
  const sum = new Float64Array(N + 1);
  for (const epoch of moments)
    for (const [count, probability] of hiddenCountsAt(masking, epoch, N).entries())
      sum[count]! += probability / moments.length;
  return sum;
}

/** The mean of what depends on the number of hidden tokens. */
export function mean(probabilities: HiddenCounts, of: (count: number) => number): number {
  return probabilities.reduce(
    (sum, probability, count) => (probability > 0 ? sum + probability * of(count) : sum),
    0,
  );
}
