/**
 * @file The paper's diffusion over one token: noise prediction with learned variance (SPEC sections 4 and 7; ADM's process as MAR
 * uses it). Training draws one of 1,000 steps; sampling runs the kept steps of a respaced process.
 */
import {
  cat,
  type Generator,
  randint,
  randn,
  scope,
  type Tensor,
  tensor,
  where,
} from "../../tensor/index.js";
import { type DiffusionConstants, diffusionConstants } from "./diffusion-constants.js";
import type { DiffusionHead } from "./diffusion-head.js";
import { discretisedLogLikelihood, gaussianDivergence } from "./gaussians.js";
import type { DiffusionDraws, HeadGuidance, TokenDiffusion, TokenNoise } from "./token-diffusion.js";

/** The two terms of the loss, a row for each token, in means over the token's numbers. */
export interface DiffusionTerms {
  /** Squared error of the predicted noise, [R]. */
  readonly squaredError: Tensor;
  /** The variational term in bits, [R]; its gradient reaches the variance only. */
  readonly variational: Tensor;
}

/** What the head says of P tokens. */
export interface Prediction {
  /** Noise, guided where guidance was asked for, [P, C]. */
  readonly noise: Tensor;
  /** Where the variance lies between its bounds, -1..1, [P, C]. */
  readonly interpolation: Tensor;
  /** The same without the caption; it does not influence what is drawn. */
  readonly unguided: Tensor | null;
}

/** One reverse step's distribution. */
export interface ReverseStep {
  readonly mean: Tensor;
  readonly logVariance: Tensor;
  readonly start: Tensor;
}

/** How many steps the process has before respacing. */
export const trainingSteps = 1000;

export class NoiseDiffusion implements TokenDiffusion {
  readonly #training: Tables;
  readonly #sampling: Tables;

  /** @param sampling how many steps a drawing takes, or sections as `20,10,5` */
  constructor(
    readonly head: DiffusionHead,
    readonly tokenWidth: number,
    sampling: string,
  ) {
    this.#training = new Tables(diffusionConstants(trainingSteps));
    this.#sampling = new Tables(diffusionConstants(trainingSteps, sampling));
  }

  /** Noise, then where the variance lies. */
  get outputWidth(): number {
    return 2 * this.tokenWidth;
  }

  get stepCount(): number {
    return this.#sampling.constants.stepCount;
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

  /**
   * What the head says of a state.
   * @param x [P, C] @param index a step of the respaced process, 0 the last one run
   * @param condition the head's embedding of z, [P, W], or [2P, W] with guidance: the conditional rows first
   */
  predict(x: Tensor, index: number, condition: Tensor, guidance: HeadGuidance | null): Prediction {
    return scope(() => {
      const step = this.#sampling.constants.timestepMap[index]!;
      const time = this.head.timeEmbedding.forward(tensor([step], [1], { dtype: "int64", device: x.device }));
      const output = this.head.denoise(guidance === null ? x : cat([x, x], 0), time, condition);
      return guidance === null ? separate(output) : guide(output, guidance);
    });
  }

  /** One reverse step of the respaced process from a state [P, C] and what the head said of it. */
  reverseStep(x: Tensor, index: number, { noise, interpolation }: Omit<Prediction, "unguided">): ReverseStep {
    return scope(() => {
      const at = tensor([index], [1], { dtype: "int64", device: x.device });
      return this.#sampling.on(x.device).reverse(x, at, noise, interpolation);
    });
  }

  /** A draw from a reverse step; temperature scales the noise, and the last step has none. */
  drawStep(step: ReverseStep, index: number, noise: Tensor, temperature: number): Tensor {
    return scope(() =>
      index === 0
        ? step.mean.add(0)
        : step.mean.add(step.logVariance.mul(0.5).exp().mul(noise).mul(temperature)),
    );
  }

  sample(
    z: Tensor,
    noise: TokenNoise,
    temperature: number,
    guidance: HeadGuidance | null,
    onStep?: (x: Tensor) => void,
  ): Tensor {
    return scope(() => {
      const condition = this.head.condition.forward(z);
      let x = noise.initial;
      for (let index = this.stepCount - 1; index >= 0; index--) {
        const drawn = noise.steps.select(0, this.stepCount - 1 - index);
        const state = x;
        x = scope(() => {
          const prediction = this.predict(state, index, condition, guidance);
          return this.drawStep(this.reverseStep(state, index, prediction), index, drawn, temperature);
        });
        onStep?.(x);
      }
      return x;
    });
  }
}

/** The two halves of the head's output. */
function separate(output: Tensor): Prediction {
  const [noise, interpolation] = output.chunk(2, 1) as [Tensor, Tensor];
  return { noise, interpolation, unguided: null };
}

/**
 * Classifier-free guidance: u + w (c - u) for the noise; the variance is not guided.
 * @param output [2P, 2C], the conditional rows first
 */
export function guide(output: Tensor, { scale }: HeadGuidance): Prediction {
  return scope(() => {
    const { noise, interpolation } = separate(output);
    const [conditional, unconditional] = noise.chunk(2, 0) as [Tensor, Tensor];
    const [told, untold] = interpolation.chunk(2, 0) as [Tensor, Tensor];
    const guided = unconditional.add(conditional.sub(unconditional).mul(scale));
    return { noise: guided, interpolation: told, unguided: untold };
  });
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
