/** @file What is drawn by chance for a step's features, from the run's seed and the step's number alone. */
import { createHash } from "node:crypto";
import type { CropRange } from "../data/random-resized-crop.js";
import type { View } from "../data/view.js";
import { Generator, rand, randint, randn, scope, type Tensor } from "../tensor/index.js";

/** How pictures are varied. */
export interface Augmentation {
  /** Share of them that is turned left to right, 0..1. */
  readonly flip: number;
  readonly crop: { readonly kind: "centre" } | ({ readonly kind: "random-resized" } & CropRange);
}

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

  /** What is seen of each picture; asked for first. */
  views(count: number, { flip, crop }: Augmentation): View[] {
    const flips = this.flips(count, flip);
    if (crop.kind === "centre")
      return flips.map((flipped) => ({ kind: flipped ? "centre-flipped" : "centre" }));
    const seeds = scope(() => randint(0, 2 ** 31, [count], { generator: this.#random }).toNumbers());
    const range = { scale: crop.scale, ratio: crop.ratio };
    return flips.map((flipped, i) => ({
      kind: flipped ? "random-resized-flipped" : "random-resized",
      range,
      seed: seeds[i]!,
    }));
  }

  /** N(0, 1), for the posterior's latents. */
  noise(shape: readonly number[]): Tensor {
    return randn(shape, { generator: this.#random });
  }
}
