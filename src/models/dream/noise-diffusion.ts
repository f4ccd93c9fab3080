/**
 * @file The paper's diffusion over one token: noise prediction with learned variance (SPEC sections 4 and 7; ADM's process as MAR
 * uses it). Training draws one of 1,000 steps; sampling runs the kept steps of a respaced process.
 */
import { type Generator, randint, randn, scope, type Tensor, tensor, where } from "../../tensor/index.js";
import { type DiffusionConstants, diffusionConstants } from "./diffusion-constants.js";
import type { DiffusionHead } from "./diffusion-head.js";
import { discretisedLogLikelihood, gaussianDivergence } from "./gaussians.js";
import { NoiseSampler, type ReverseStep } from "./noise-sampler.js";
import { type HeadPath, SolverSampler } from "./solver-sampler.js";
import type { DiffusionDraws, Sampler, SamplingMethod, TokenDiffusion } from "./token-diffusion.js";

/** The two terms of the loss, a row for each token, in means over the token's numbers. */
export interface DiffusionTerms {
  /** Squared error of the predicted noise, [R]. */
  readonly squaredError: Tensor;
  /** The variational term in bits, [R]; its gradient reaches the variance only. */
  readonly variational: Tensor;
}

/** How many steps the process has before respacing. */
export const trainingSteps = 1000;

export class NoiseDiffusion implements TokenDiffusion {
  readonly #training = new Tables(diffusionConstants(trainingSteps));
  readonly #sampling: string;

  /** @param sampling how many steps a drawing takes, or sections as `20,10,5` */
  constructor(
    readonly head: DiffusionHead,
    readonly tokenWidth: number,
    sampling: string,
  ) {
    this.#sampling = sampling;
  }

  /** Noise, then where the variance lies. */
  get outputWidth(): number {
    return 2 * this.tokenWidth;
  }

  draw(rows: number, random: Generator): DiffusionDraws {
    return {
      times: randint(0, trainingSteps, [rows], { generator: random, dtype: "int64" }),
      noise: randn([rows, this.tokenWidth], { generator: random }),
    };
  }

  loss(x0: Tensor, z: Tensor, { times, noise }: DiffusionDraws): Tensor {
    return scope(() => {
      const { squaredError, variational } = this.terms(x0, z, times, noise);
      return squaredError.add(variational);
    });
  }

  /** Tokens after `times` steps of noise. @param x0 [R, C] @param times int64 [R] @param noise [R, C] */
  diffuse(x0: Tensor, times: Tensor, noise: Tensor): Tensor {
    return scope(() => {
      const { signal, deviation } = this.#training.on(x0.device);
      return signal.at(times).mul(x0).add(deviation.at(times).mul(noise));
    });
  }

  /**
   * @param x0 clean tokens [R, C] @param z decoder outputs [R, D] @param times int64 [R], 0..999 @param noise [R, C]
   */
  terms(x0: Tensor, z: Tensor, times: Tensor, noise: Tensor): DiffusionTerms {
    return scope(() => {
      const xt = this.diffuse(x0, times, noise);
      const [predicted, interpolation] = this.head.forward(xt, times, z).chunk(2, 1) as [Tensor, Tensor];
      const squaredError = noise.sub(predicted).square().mean(1);
      const tables = this.#training.on(x0.device);
      const truth = tables.posteriorMean(x0, xt, times);
      const step = tables.reverse(xt, times, predicted.detach(), interpolation);
      const divergence = gaussianDivergence(
        truth,
        tables.posteriorLogVariance.at(times),
        step.mean,
        step.logVariance,
      );
      const likelihood = discretisedLogLikelihood(x0, step.mean, step.logVariance.mul(0.5)).neg();
      const nats = where(times.eq(0), likelihood.mean(1), divergence.mean(1));
      return { squaredError, variational: nats.div(Math.LN2) };
    });
  }

  sampler(method: SamplingMethod, stepCount?: number): Sampler {
    return method === "ancestral"
      ? this.ancestral(stepCount)
      : new SolverSampler(this.head, new NoisePath(this.#respaced(stepCount)), method);
  }

  /** The paper's own way. */
  ancestral(stepCount?: number): NoiseSampler {
    return new NoiseSampler(this.head, this.#respaced(stepCount));
  }

  #respaced(stepCount?: number): DiffusionConstants {
    return diffusionConstants(trainingSteps, stepCount?.toString() ?? this.#sampling);
  }
}

/** The respaced process as a solver follows it: noise predicted, the state's signal and deviation from the tables. */
class NoisePath implements HeadPath {
  readonly told: readonly number[];
  readonly signals: readonly number[];
  readonly deviations: readonly number[];

  constructor({ timestepMap, sqrtAlphasCumprod, sqrtOneMinusAlphasCumprod }: DiffusionConstants) {
    this.told = [...timestepMap].reverse();
    this.signals = [...sqrtAlphasCumprod].reverse();
    this.deviations = [...sqrtOneMinusAlphasCumprod].reverse();
  }

  start(x: Tensor, output: Tensor, i: number): Tensor {
    const noise = output.narrow(1, 0, x.size(1));
    return x.sub(noise.mul(this.deviations[i]!)).div(this.signals[i]!);
  }
}

/** One table of the process, as a float32 column indexed by times. */
class Column {
  constructor(readonly values: Tensor) {}

  /** @param times int64 [R] @returns [R, 1] */
  at(times: Tensor): Tensor {
    return this.values.indexSelect(0, times).unsqueeze(1);
  }
}

/** The process's tables on one device. */
class DeviceTables {
  readonly signal: Column;
  readonly deviation: Column;
  readonly posteriorLogVariance: Column;
  readonly #logBeta: Column;
  readonly #startFromState: Column;
  readonly #startFromNoise: Column;
  readonly #meanFromStart: Column;
  readonly #meanFromState: Column;

  constructor(constants: DiffusionConstants, device: string) {
    const column = (values: ArrayLike<number>): Column =>
      new Column(tensor(Float32Array.from(values), [values.length], { device }).persist());
    this.signal = column(constants.sqrtAlphasCumprod);
    this.deviation = column(constants.sqrtOneMinusAlphasCumprod);
    this.posteriorLogVariance = column(constants.posteriorLogVarianceClipped);
    this.#logBeta = column(constants.logBetas);
    this.#startFromState = column(constants.sqrtRecipAlphasCumprod);
    this.#startFromNoise = column(constants.sqrtRecipm1AlphasCumprod);
    this.#meanFromStart = column(constants.posteriorMeanCoef1);
    this.#meanFromState = column(constants.posteriorMeanCoef2);
  }

  posteriorMean(start: Tensor, state: Tensor, times: Tensor): Tensor {
    return this.#meanFromStart.at(times).mul(start).add(this.#meanFromState.at(times).mul(state));
  }

  /** The model's reverse step; the variance interpolates, in logarithms, from the posterior's to beta by (v + 1) / 2. */
  reverse(state: Tensor, times: Tensor, predictedNoise: Tensor, interpolation: Tensor): ReverseStep {
    const share = interpolation.add(1).div(2);
    const least = this.posteriorLogVariance.at(times);
    const logVariance = share.mul(this.#logBeta.at(times)).add(share.neg().add(1).mul(least));
    const start = this.#startFromState
      .at(times)
      .mul(state)
      .sub(this.#startFromNoise.at(times).mul(predictedNoise));
    return { mean: this.posteriorMean(start, state, times), logVariance, start };
  }
}

/** A process's constants, and their copies on the devices that asked. */
class Tables {
  readonly #devices = new Map<string, DeviceTables>();

  constructor(readonly constants: DiffusionConstants) {}

  on(device: string): DeviceTables {
    let tables = this.#devices.get(device);
    if (tables === undefined) {
      tables = new DeviceTables(this.constants, device);
      this.#devices.set(device, tables);
    }
    return tables;
  }
}
