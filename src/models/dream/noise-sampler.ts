/** @file Ancestral sampling of the paper's diffusion: the respaced reverse process with learned variance (SPEC section 7; ADM's, as MAR uses it). */
import { scope, type Tensor } from "../../tensor/index.js";
import type { DiffusionConstants } from "./diffusion-constants.js";
import type { DiffusionHead } from "./diffusion-head.js";
import { guide, TimedHead } from "./timed-head.js";
import type { HeadGuidance, Sampler, SampleSettings, TokenNoise } from "./token-diffusion.js";

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

/** The head's output in parts. @param output [P, 2C], or [2P, 2C] with guidance */
export function predictionOf(output: Tensor, guidance: HeadGuidance | null): Prediction {
  const [noise, interpolation] = output.chunk(2, 1) as [Tensor, Tensor];
  if (guidance === null) return { noise, interpolation, unguided: null };
  const [told, untold] = interpolation.chunk(2, 0) as [Tensor, Tensor];
  return { noise: guide(noise, guidance), interpolation: told, unguided: untold };
}

export class NoiseSampler implements Sampler {
  readonly head: TimedHead;
  readonly #constants: DiffusionConstants;

  constructor(head: DiffusionHead, constants: DiffusionConstants) {
    this.head = new TimedHead(head, constants.timestepMap);
    this.#constants = constants;
  }

  get stepCount(): number {
    return this.#constants.stepCount;
  }

  get noiseBlocks(): number {
    return this.stepCount;
  }

  /**
   * What the head says of a state. Guidance is of the noise; the variance is the conditional rows'.
   * @param x [P, C] @param index a step of the respaced process, 0 the last one run
   * @param condition the head's embedding of z, [P, W], or [2P, W] with guidance: the conditional rows first
   */
  predict(x: Tensor, index: number, condition: Tensor, guidance: HeadGuidance | null): Prediction {
    return scope(() => predictionOf(this.head.tell(x, index, condition, guidance), guidance));
  }

  /** One reverse step of the respaced process from a state [P, C] and what the head said of it. */
  reverseStep(x: Tensor, index: number, { noise, interpolation }: Omit<Prediction, "unguided">): ReverseStep {
    const of = (table: Float64Array): number => table[index]!;
    const c = this.#constants;
    return scope(() => {
      // In logarithms the variance goes from the posterior's to beta as the share (v + 1) / 2 goes from 0 to 1.
      const [least, most] = [of(c.posteriorLogVarianceClipped), of(c.logBetas)];
      const logVariance = interpolation.mul((most - least) / 2).add((most + least) / 2);
      const start = x
        .mul(of(c.sqrtRecipAlphasCumprod))
        .add(noise, { alpha: -of(c.sqrtRecipm1AlphasCumprod) });
      const mean = start.mul(of(c.posteriorMeanCoef1)).add(x, { alpha: of(c.posteriorMeanCoef2) });
      return { mean, logVariance, start };
    });
  }

  /** A draw from a reverse step; temperature scales the noise, and the last step has none. */
  drawStep(step: ReverseStep, index: number, noise: Tensor, temperature: number): Tensor {
    return scope(() =>
      index === 0
        ? step.mean.add(0)
        : step.mean.add(step.logVariance.mul(0.5).exp().mul(noise), { alpha: temperature }),
    );
  }

  sample(z: Tensor, noise: TokenNoise, { guidance, temperature, onStep }: SampleSettings): Tensor {
    return scope(() => {
      const condition = this.head.condition(z);
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

  dispose(): void {
    this.head.dispose();
  }
}
