/** @file A small data set's features, made once and held in memory. */
import type { SampleText } from "../data/sample.js";
import { noGrad, scope, type Tensor, tensor } from "../tensor/index.js";
import type { CaptionReader } from "./caption-reader.js";
import type { FeatureBatch, FeatureSource } from "./feature-batch.js";
import { classesOf } from "./labels.js";

export class FeatureTable implements FeatureSource {
  readonly #latents: Tensor;
  readonly #ids: Tensor;
  readonly #told: Tensor;
  readonly #classes: Tensor | undefined;
  readonly #targets: Tensor | undefined;
  readonly emptyCaption: Tensor;

  /**
   * @param latents [count, C, H, W], kept
   * @param samples one for each
   * @param targets what the model is aligned to, [count, N, W], kept
   */
  constructor(
    latents: Tensor,
    readonly samples: readonly SampleText[],
    reader: CaptionReader,
    targets?: Tensor,
  ) {
    const captions = samples.map(({ caption }) => caption);
    this.#latents = latents.persist();
    this.#ids = reader.ids(captions).persist();
    this.#told = reader.told(captions).persist();
    this.#classes = classesOf(samples.map(({ label }) => label))?.persist();
    this.#targets = targets?.persist();
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
          classes: this.#classes?.indexSelect(0, rows),
          alignmentTargets: this.#targets?.indexSelect(0, rows),
        };
      }),
    );
  }

  keysOf(numbers: readonly number[]): string[] {
    return numbers.map((number) => this.samples[number]!.key);
  }

  dispose(): void {
    for (const one of [this.#latents, this.#ids, this.#told, this.emptyCaption]) one.dispose();
    this.#classes?.dispose();
    this.#targets?.dispose();
  }
}
