/**
 * @file What is drawn by chance for a step's features: for each sample by itself, from the run's seed, the step's number and the
 * sample's place in the step's batch. So it is the same however the batch is shared among processes.
 */
import type { CropRange } from "../data/random-resized-crop.js";
import type { View } from "../data/view.js";
import { Generator, rand, randint, randn, scope, stack, type Tensor } from "../tensor/index.js";

/** How pictures are varied. */
export interface Augmentation {
  /** Share of them that is turned left to right, 0..1. */
  readonly flip: number;
  readonly crop: { readonly kind: "centre" } | ({ readonly kind: "random-resized" } & CropRange);
}

export class StepDraws {
  readonly #randoms: readonly Generator[];

  /** @param firstPlace of these samples in the step's batch @param count how many follow */
  constructor(seed: number, step: number, firstPlace: number, count: number) {
    this.#randoms = Array.from({ length: count }, (_, i) =>
      Generator.fromKey("features", seed, step, firstPlace + i),
    );
  }

  /** Which pictures are turned left to right; asked for first. @param share of them, 0..1 */
  flips(share: number): boolean[] {
    return scope(() => this.#randoms.map((generator) => rand([1], { generator }).item() < share));
  }

  /** What is seen of each picture; asked for first. */
  views({ flip, crop }: Augmentation): View[] {
    const flips = this.flips(flip);
    if (crop.kind === "centre")
      return flips.map((flipped) => ({ kind: flipped ? "centre-flipped" : "centre" }));
    const range = { scale: crop.scale, ratio: crop.ratio };
    return scope(() =>
      this.#randoms.map((generator, i) => ({
        kind: flips[i] ? "random-resized-flipped" : "random-resized",
        range,
        seed: randint(0, 2 ** 31, [1], { generator }).item(),
      })),
    );
  }

  /** N(0, 1), for the posterior's latents. @param shape of one sample's @returns [count, ...shape] */
  noise(shape: readonly number[]): Tensor {
    return scope(() => stack(this.#randoms.map((generator) => randn(shape, { generator }))));
  }

  /** Lets go of the samples' streams, once everything is drawn. */
  dispose(): void {
    for (const generator of this.#randoms) generator.dispose();
  }
}
