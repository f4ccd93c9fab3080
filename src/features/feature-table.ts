/** @file A small data set's features, made once and held in memory. */
import { noGrad, scope, type Tensor, tensor } from "../tensor/index.js";
import type { CaptionReader } from "./caption-reader.js";
import type { FeatureBatch, FeatureSource } from "./feature-batch.js";

export class FeatureTable implements FeatureSource {
  readonly #latents: Tensor;
  readonly #ids: Tensor;
  readonly #told: Tensor;
  readonly emptyCaption: Tensor;

  /** @param latents [count, C, H, W], kept @param captions one for each @param keys the samples' names */
  constructor(
    latents: Tensor,
    captions: readonly string[],
    reader: CaptionReader,
    readonly keys: readonly string[],
  ) {
    this.#latents = latents.persist();
    this.#ids = reader.ids(captions).persist();
    this.#told = reader.told(captions).persist();
    this.emptyCaption = reader.told([""]).persist();
  }

  get count(): number {
    return this.#latents.size(0);
  }

  /** The same whatever the step. */
  batch(numbers: readonly number[]): FeatureBatch {
    return noGrad(() =>
      scope(() => {
        const rows = tensor(numbers, [numbers.length], { dtype: "int64" });
        return {
          latents: this.#latents.indexSelect(0, rows),
          captionIds: this.#ids.indexSelect(0, rows),
          captions: this.#told.indexSelect(0, rows),
        };
      }),
    );
  }

  keysOf(numbers: readonly number[]): string[] {
    return numbers.map((number) => this.keys[number]!);
  }

  dispose(): void {
    for (const one of [this.#latents, this.#ids, this.#told, this.emptyCaption]) one.dispose();
  }
}
