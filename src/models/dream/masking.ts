/**
 * @file Masking Warmup: from which distribution a step's mask ratio is drawn (SPEC section 5). The mean climbs during training, so
 * alignment comes first and generation after; the spread is wide, so low and high ratios occur at every step.
 */
import { normalCdf, normalQuantile } from "../../tensor/index.js";

/** What share of the tokens is hidden, over training. */
export type MaskingSchedule =
  /** Nothing is ever hidden (CLIP). */
  | { readonly kind: "never" }
  /** Any ratio between the bounds. */
  | { readonly kind: "uniform"; readonly minimum: number; readonly maximum: number }
  /** A truncated Gaussian that does not move (FLUID and MAR: mean 1, deviation 0.25, 0.7 to 1). */
  | {
      readonly kind: "fixed";
      readonly mean: number;
      readonly deviation: number;
      readonly minimum: number;
      readonly maximum: number;
    }
  | MaskingWarmup;

/** A truncated Gaussian whose mean moves. Epochs are fractional. */
export interface MaskingWarmup {
  readonly kind: "warmup";
  readonly minimum: number;
  readonly maximum: number;
  readonly deviation: number;
  readonly meanStart: number;
  readonly meanEnd: number;
  /** Epoch at which the mean begins to move. */
  readonly startEpoch: number;
  /** Where it stops moving. */
  readonly end: /** At this epoch, with `meanEnd` from then on; before the start the mean is `meanStart`. */
    | { readonly kind: "epoch"; readonly epoch: number }
    /** At the cooldown, with `maximum` from then on; before the start the mean is `minimum`. */
    | { readonly kind: "cooldown" };
  readonly shape: "linear" | "cosine";
  readonly totalEpochs: number;
  /** Whether the deviation is constant, or grows with the epoch up to its value. */
  readonly deviationSchedule: "constant" | "growing";
  /** Whether the Gaussian is cut at the bounds, or at one deviation from its mean within them. */
  readonly bounds: "fixed" | "moving";
  /** How many epochs the cooldown, at the end, takes; a growing deviation is full by then. */
  readonly cooldownEpochs: number;
}

/** A Gaussian N(location, scale), cut at location + a scale and location + b scale. */
export interface TruncatedNormal {
  readonly location: number;
  readonly scale: number;
  readonly a: number;
  readonly b: number;
}

/** Deviations below this would divide by zero. */
const leastDeviation = 1e-6;

/** The Gaussian of a warmup at an epoch. */
export function warmupDistribution(schedule: MaskingWarmup, epoch: number): TruncatedNormal {
  const { minimum, maximum, bounds } = schedule;
  const scale = deviationAt(schedule, epoch);
  const location = Math.min(Math.max(meanAt(schedule, epoch), minimum), maximum);
  const low = bounds === "fixed" ? minimum : Math.max(minimum, location - scale);
  const high = bounds === "fixed" ? maximum : Math.min(maximum, location + scale);
  return { location, scale, a: (low - location) / scale, b: (high - location) / scale };
}

function deviationAt(
  { deviation, deviationSchedule, startEpoch, totalEpochs, cooldownEpochs }: MaskingWarmup,
  epoch: number,
) {
  if (deviationSchedule === "constant") return deviation;
  const last = totalEpochs - cooldownEpochs;
  if (epoch >= last) return Math.max(deviation, leastDeviation);
  return Math.max((deviation * (epoch - startEpoch)) / (last - startEpoch), leastDeviation);
}

function meanAt(schedule: MaskingWarmup, epoch: number): number {
  const { end, startEpoch, totalEpochs, cooldownEpochs, minimum, maximum, meanStart, meanEnd } = schedule;
  const byEpoch = end.kind === "epoch";
  const last = byEpoch ? end.epoch : totalEpochs - cooldownEpochs;
  if (epoch < startEpoch) return byEpoch ? meanStart : minimum;
  if (epoch >= last) return byEpoch ? meanEnd : maximum;
  const progress = (epoch - startEpoch) / (last - startEpoch);
  const share = schedule.shape === "linear" ? progress : 0.5 * (1 - Math.cos(Math.PI * progress));
  return meanStart + (meanEnd - meanStart) * share;
}

/** Probability of a value at most x. */
export function cumulative({ location, scale, a, b }: TruncatedNormal, x: number): number {
  const z = (x - location) / scale;
  if (z <= a) return 0;
  if (z >= b) return 1;
  const below = normalCdf(a);
  return (normalCdf(z) - below) / (normalCdf(b) - below);
}

/** The value that p of the draws stay below. */
export function quantile({ location, scale, a, b }: TruncatedNormal, p: number): number {
  const below = normalCdf(a);
  const z = normalQuantile(below + p * (normalCdf(b) - below));
  return location + scale * Math.min(Math.max(z, a), b);
}

/** Mean and standard deviation after the cut. */
export function moments({ location, scale, a, b }: TruncatedNormal): { mean: number; deviation: number } {
  const density = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  const mass = normalCdf(b) - normalCdf(a);
  const shift = (density(a) - density(b)) / mass;
  const edges = (a * density(a) - b * density(b)) / mass;
  return {
    mean: location + scale * shift,
    deviation: scale * Math.sqrt(Math.max(0, 1 + edges - shift * shift)),
  };
}

/**
 * A mask ratio for one step.
 * @param epoch fractional @param uniform a uniform draw, 0..1
 */
export function drawMaskRatio(schedule: MaskingSchedule, epoch: number, uniform: number): number {
  switch (schedule.kind) {
    case "never":
      return 0;
    case "uniform":
      return schedule.minimum + (schedule.maximum - schedule.minimum) * uniform;
    case "fixed": {
      const { mean, deviation, minimum, maximum } = schedule;
      const a = (minimum - mean) / deviation;
      return quantile({ location: mean, scale: deviation, a, b: (maximum - mean) / deviation }, uniform);
    }
    case "warmup":
      return quantile(warmupDistribution(schedule, epoch), uniform);
    default:
      throw new Error(`internal: no schedule ${schedule satisfies never}`);
  }
}

/** How many tokens a ratio hides: rounded up. */
export function maskedCount(ratio: number, tokenCount: number): number {
  return Math.ceil(ratio * tokenCount);
}

/** The paper's: mean 0 to 1 over 36 of 48 epochs, deviation 0.45. */
export const paperMasking: MaskingWarmup = {
  kind: "warmup",
  minimum: 0,
  maximum: 1,
  deviation: 0.45,
  meanStart: 0,
  meanEnd: 1,
  startEpoch: 0,
  end: { kind: "epoch", epoch: 36 },
  shape: "linear",
  totalEpochs: 48,
  deviationSchedule: "constant",
  bounds: "fixed",
  cooldownEpochs: 0,
};
