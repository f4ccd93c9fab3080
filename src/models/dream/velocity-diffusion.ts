/**
 * @file Diffusion by velocity (Salimans and Ho, arXiv 2202.00512): x = cos(phi) x0 + sin(phi) noise, with the angle phi uniform in
 * time, and the head telling cos(phi) noise - sin(phi) x0. DEVIATION: not the paper's. Its noise prediction multiplies the
 * head's error by 20,290 at the first reverse step, which a head trained for minutes does not survive (DESIGN section 7).
 */
import { DreamError } from "../../errors.js";
import { type Generator, rand, randn, scope, type Tensor } from "../../tensor/index.js";
import type { DiffusionHead } from "./diffusion-head.js";
import { type HeadPath, SolverSampler } from "./solver-sampler.js";
import { guide, TimedHead } from "./timed-head.js";
import type {
  DiffusionDraws,
  Sampler,
  SampleSettings,
  SamplingMethod,
  TokenDiffusion,
  TokenNoise,
} from "./token-diffusion.js";

/** The head is told times as the paper's process counts them. */
const headTimeScale = 1000;

export class VelocityDiffusion implements TokenDiffusion {
  readonly #stepCount: number;

  /** @param stepCount reverse steps of one drawing */
  constructor(
    readonly head: DiffusionHead,
    readonly tokenWidth: number,
    stepCount: number,
  ) {
    this.#stepCount = stepCount;
  }

  get outputWidth(): number {
    return this.tokenWidth;
  }

  draw(rows: number, random: Generator): DiffusionDraws {
    return {
      times: rand([rows], { generator: random }),
      noise: randn([rows, this.tokenWidth], { generator: random }),
    };
  }

  loss(x0: Tensor, z: Tensor, { times, noise }: DiffusionDraws): Tensor {
    return scope(() => {
      const angle = times.mul(Math.PI / 2).unsqueeze(1);
      const [cos, sin] = [angle.cos(), angle.sin()];
      const state = cos.mul(x0).add(sin.mul(noise));
      const velocity = cos.mul(noise).sub(sin.mul(x0));
      return this.head.forward(state, times.mul(headTimeScale), z).sub(velocity).square().mean(1);
    });
  }

  sampler(method: SamplingMethod, stepCount = this.#stepCount): Sampler {
    if (!Number.isInteger(stepCount) || stepCount < 1)
      throw new DreamError("value", {
        operation: "diffusion steps",
        expected: "a whole number, at least 1",
        got: String(stepCount),
      });
    return method === "ancestral"
      ? new VelocitySampler(this.head, stepCount)
      : new SolverSampler(this.head, new VelocityPath(stepCount), method);
  }
}

/** Angles from a quarter turn, all noise, towards nothing. */
class VelocityPath implements HeadPath {
  readonly told: readonly number[];
  readonly signals: readonly number[];
  readonly deviations: readonly number[];

  constructor(stepCount: number) {
    const times = Array.from({ length: stepCount }, (_, i) => 1 - i / stepCount);
    this.told = times.map((time) => time * headTimeScale);
    // A cosine of a quarter turn is not quite 0 in floating point.
    this.signals = times.map((time) => (time === 1 ? 0 : Math.cos((time * Math.PI) / 2)));
    this.deviations = times.map((time) => Math.sin((time * Math.PI) / 2));
  }

  start(x: Tensor, velocity: Tensor, i: number): Tensor {
    return x.mul(this.signals[i]!).sub(velocity.mul(this.deviations[i]!));
  }
}

/** Ancestral sampling: the posterior of the earlier state, given this one and the clean token that the velocity implies. */
class VelocitySampler implements Sampler {
  readonly #head: TimedHead;

  constructor(
    head: DiffusionHead,
    readonly stepCount: number,
  ) {
    const times = Array.from({ length: stepCount }, (_, step) => (1 - step / stepCount) * headTimeScale);
    this.#head = new TimedHead(head, times);
  }

  get noiseBlocks(): number {
    return this.stepCount;
  }

  sample(z: Tensor, noise: TokenNoise, { guidance, temperature, onStep }: SampleSettings): Tensor {
    return scope(() => {
      const condition = this.#head.condition(z);
      let x = noise.initial;
      for (let step = 0; step < this.stepCount; step++) {
        const state = x;
        x = scope(() => {
          const output = this.#head.tell(state, step, condition, guidance);
          const velocity = guidance === null ? output : guide(output, guidance);
          return this.#reverse(state, velocity, step, noise.steps.select(0, step), temperature);
        });
        onStep?.(x);
      }
      return x;
    });
  }

  dispose(): void {
    this.#head.dispose();
  }

  #reverse(x: Tensor, velocity: Tensor, step: number, noise: Tensor, temperature: number): Tensor {
    const angle = ((1 - step / this.stepCount) * Math.PI) / 2;
    const earlier = ((1 - (step + 1) / this.stepCount) * Math.PI) / 2;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const start = x.mul(cos).add(velocity, { alpha: -sin });
    if (step === this.stepCount - 1) return start;
    const direction = x.mul(sin).add(velocity, { alpha: cos });
    const [signal, deviation] = [Math.cos(earlier), Math.sin(earlier)];
    const variance = (deviation ** 2 / sin ** 2) * (1 - (cos / signal) ** 2);
    const kept = Math.sqrt(Math.max(0, deviation ** 2 - variance));
    return start
      .mul(signal)
      .add(direction, { alpha: kept })
      .add(noise, { alpha: Math.sqrt(variance) * temperature });
  }
}
