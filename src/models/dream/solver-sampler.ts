/**
 * @file Deterministic samplers of the diffusion head, which need fewer steps. Both follow the head's guess of the clean token:
 * DDIM (arXiv 2010.02502) as if it held until the next state, DPM-Solver++ (arXiv 2211.01095, the multistep solver of second
 * order in the data prediction) as if it went on changing as it did.
 */
import { scope, type Tensor } from "../../tensor/index.js";
import type { DiffusionHead } from "./diffusion-head.js";
import { guide, TimedHead } from "./timed-head.js";
import type { Sampler, SampleSettings, SamplingMethod, TokenNoise } from "./token-diffusion.js";

/** Deterministic ways to follow the reverse process. */
export type SolverMethod = Exclude<SamplingMethod, "ancestral">;

/** The states x = signal x0 + deviation noise that are gone through, the noisiest first; the clean token follows them. */
export interface Path {
  readonly signals: readonly number[];
  readonly deviations: readonly number[];
}

/** A path along which a head predicts. */
export interface HeadPath extends Path {
  /** Times as the head is told them. */
  readonly told: readonly number[];

  /** The clean token that the head's (guided) output implies. @param x [P, C], state `i` @param output [P, output width] */
  start(x: Tensor, output: Tensor, i: number): Tensor;
}

/** Below this signal the guess of the clean token is nearly all the head's error, and is not carried on from. */
const leastSignal = 0.01;

/**
 * State `i + 1` from state `i`.
 * @param start the clean token as guessed now @param before as guessed one state earlier, null at the first
 */
export function solverStep(
  { signals, deviations }: Path,
  method: SolverMethod,
  i: number,
  x: Tensor,
  start: Tensor,
  before: Tensor | null,
): Tensor {
  if (i === signals.length - 1) return start;
  const [signal, deviation] = [signals[i + 1]!, deviations[i + 1]!];
  const shrink = deviation / deviations[i]!;
  let target = start;
  if (method === "dpm-solver" && before !== null && signals[i - 1]! >= leastSignal) {
    // Where the guess will be half way on, in the logarithm of the ratio of signal and deviation.
    const ratio = (k: number): number => Math.log(signals[k]! / deviations[k]!);
    const share = (ratio(i + 1) - ratio(i)) / (2 * (ratio(i) - ratio(i - 1)));
    target = start.mul(1 + share).add(before, { alpha: -share });
  }
  return x.mul(shrink).add(target, { alpha: signal - shrink * signals[i]! });
}

export class SolverSampler implements Sampler {
  readonly noiseBlocks = 0;
  readonly #head: TimedHead;
  readonly #path: HeadPath;
  readonly #method: SolverMethod;

  constructor(head: DiffusionHead, path: HeadPath, method: SolverMethod) {
    this.#head = new TimedHead(head, path.told);
    this.#path = path;
    this.#method = method;
  }

  get stepCount(): number {
    return this.#path.told.length;
  }

  /** Nothing random is drawn after the initial noise: the noise of the steps and the temperature are not looked at. */
  sample(z: Tensor, { initial }: TokenNoise, { guidance, onStep }: SampleSettings): Tensor {
    return scope(() => {
      const condition = this.#head.condition(z);
      let x = initial;
      let before: Tensor | null = null;
      for (let i = 0; i < this.stepCount; i++) {
        const [state, last]: [Tensor, Tensor | null] = [x, before];
        [x, before] = scope(() => {
          const output = this.#head.tell(state, i, condition, guidance);
          const start = this.#path.start(state, guidance === null ? output : guide(output, guidance), i);
          return [solverStep(this.#path, this.#method, i, state, start, last), start];
        });
        onStep?.(x);
      }
      return x;
    });
  }

  dispose(): void {
    this.#head.dispose();
  }
}
