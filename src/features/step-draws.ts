/** @file What is drawn by chance for a step's features, from the run's seed and the step's number alone. */
import { createHash } from "node:crypto";
import { Generator, rand, randn, scope, type Tensor } from "../tensor/index.js";

export class StepDraws {
  readonly #random: Generator;

  constructor(seed: number, step: number) {
    const digest = createHash("sha256").update(`features ${seed} ${step}`).digest();
    this.#random = Generator.fromSeed(digest.readUIntBE(0, 6));
  }

  /** Which pictures are turned left to right; asked for first. @param share of them, 0..1 */
  flips(count: number, share: number): boolean[] {
    return scope(() =>
      rand([count], { generator: this.#random })
        .toNumbers()
        .map((value) => value < share),
    );
  }

  /** N(0, 1), for the posterior's latents. */
  noise(shape: readonly number[]): Tensor {
    return randn(shape, { generator: this.#random });
  }
}
