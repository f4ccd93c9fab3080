/**
 * @file The diffusion process's tables in double precision (SPEC section 4): cosine alpha-bar, betas capped at 0.999, and
 * respacing, which keeps some steps and recomputes everything from their cumulative products (SPEC section 13).
 */
import { DreamError } from "../../errors.js";

/** One entry for each step of a process, step 0 the least noisy. */
export interface DiffusionConstants {
  readonly stepCount: number;
  /** The step of the original process that each step is; what the network is told. */
  readonly timestepMap: readonly number[];
  readonly betas: Float64Array;
  readonly alphasCumprod: Float64Array;
  readonly sqrtAlphasCumprod: Float64Array;
  readonly sqrtOneMinusAlphasCumprod: Float64Array;
  readonly sqrtRecipAlphasCumprod: Float64Array;
  readonly sqrtRecipm1AlphasCumprod: Float64Array;
  readonly posteriorMeanCoef1: Float64Array;
  readonly posteriorMeanCoef2: Float64Array;
  readonly posteriorVariance: Float64Array;
  readonly posteriorLogVarianceClipped: Float64Array;
  readonly logBetas: Float64Array;
}

/**
 * @param trainingSteps steps of the original process
 * @param respacing a step count, or sections as `20,10,5`; left out, every step is kept
 */
export function diffusionConstants(trainingSteps: number, respacing?: string): DiffusionConstants {
  const original = cosineBetas(trainingSteps);
  if (respacing === undefined) return tables(original, [...original.keys()]);
  const kept = keptSteps(trainingSteps, respacing);
  let product = 1;
  let before = 1;
  const cumulative = original.map((beta) => {
    product *= 1 - beta;
    return product;
  });
  const betas = kept.map((step) => {
    const beta = 1 - cumulative[step]! / before;
    before = cumulative[step]!;
    return beta;
  });
  return tables(betas, kept);
}

function cosineBetas(stepCount: number): number[] {
  const alphaBar = (t: number): number => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Array.from({ length: stepCount }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / stepCount) / alphaBar(i / stepCount), 0.999),
  );
}

/** The steps that a respacing keeps: the process in equal sections, each spaced evenly with halves rounded to even. */
export function keptSteps(stepCount: number, respacing: string): number[] {
  const counts = respacing.split(",").map(Number);
  const section = Math.floor(stepCount / counts.length);
  const longer = stepCount % counts.length;
  const kept: number[] = [];
  let start = 0;
  for (const [i, count] of counts.entries()) {
    const size = section + (i < longer ? 1 : 0);
    if (!Number.isInteger(count) || count < 1 || count > size)
      throw new DreamError("value", {
        operation: "respace diffusion steps",
        expected: `whole numbers from 1 to ${size}, separated by commas`,
        got: JSON.stringify(respacing),
      });
    const stride = count === 1 ? 1 : (size - 1) / (count - 1);
    let at = 0;
    for (let k = 0; k < count; k++) {
      kept.push(start + roundHalfToEven(at));
      at += stride;
    }
    start += size;
  }
  return kept;
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function tables(betas: readonly number[], timestepMap: readonly number[]): DiffusionConstants {
  const n = betas.length;
  const table = (entry: (i: number) => number): Float64Array =>
    Float64Array.from({ length: n }, (_, i) => entry(i));
  let product = 1;
  const bar = table((i) => {
    product *= 1 - betas[i]!;
    return product;
  });
  const previous = table((i) => (i === 0 ? 1 : bar[i - 1]!));
  const variance = table((i) => (betas[i]! * (1 - previous[i]!)) / (1 - bar[i]!));
  return {
    stepCount: n,
    timestepMap,
    betas: Float64Array.from(betas),
    alphasCumprod: bar,
    sqrtAlphasCumprod: table((i) => Math.sqrt(bar[i]!)),
    sqrtOneMinusAlphasCumprod: table((i) => Math.sqrt(1 - bar[i]!)),
    sqrtRecipAlphasCumprod: table((i) => Math.sqrt(1 / bar[i]!)),
    sqrtRecipm1AlphasCumprod: table((i) => Math.sqrt(1 / bar[i]! - 1)),
    posteriorMeanCoef1: table((i) => (betas[i]! * Math.sqrt(previous[i]!)) / (1 - bar[i]!)),
    posteriorMeanCoef2: table((i) => ((1 - previous[i]!) * Math.sqrt(1 - betas[i]!)) / (1 - bar[i]!)),
    posteriorVariance: variance,
    // The first step's variance is 0, whose logarithm is replaced by the second's.
    posteriorLogVarianceClipped: table((i) => Math.log(variance[i === 0 && n > 1 ? 1 : i]!)),
    logBetas: table((i) => Math.log(betas[i]!)),
  };
}
