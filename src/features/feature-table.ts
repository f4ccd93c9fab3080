/** @file A small data set's features, made once and held in memory. */
import { noGrad, scope, type Tensor, tensor } from "../tensor/index.js";
import type { WordTokenizer } from "../text/words.js";
import type { FeatureBatch, FeatureSource } from "./feature-batch.js";

/** Captions as word ids. @returns int64 [B, context] */
export function wordIds(tokenizer: WordTokenizer, captions: readonly string[]): Tensor {
  const ids = captions.flatMap((caption) => tokenizer.encode(caption));
  return tensor(ids, [captions.length, tokenizer.contextLength], { dtype: "int64" });
}

export class FeatureTable implements FeatureSource {
  readonly #latents: Tensor;
  readonly #ids: Tensor;
  readonly emptyCaption: Tensor;

  /** @param latents [count, C, H, W], kept @param captions one for each */
  constructor(latents: Tensor, captions: readonly string[], tokenizer: WordTokenizer) {
    this.#latents = latents.persist();
    this.#ids = wordIds(tokenizer, captions).persist();
    this.emptyCaption = wordIds(tokenizer, [""]).persist();
  }

  get count(): number {
    return this.#latents.size(0);
  }

  batch(numbers: readonly number[]): FeatureBatch {
    return noGrad(() =>
      scope(() => {
        const rows = tensor(numbers, [numbers.length], { dtype: "int64" });
        const captionIds = this.#ids.indexSelect(0, rows);
        return { latents: this.#latents.indexSelect(0, rows), captionIds, captions: captionIds };
      }),
    );
  }

  dispose(): void {
    for (const one of [this.#latents, this.#ids, this.emptyCaption]) one.dispose();
  }
}
