/** @file Features made as they are needed: pictures decoded in worker threads, then through the codec and the caption reader. */
import type { Loader } from "../data/loader.js";
import { noGrad, scope, type Tensor } from "../tensor/index.js";
import type { CaptionReader } from "./caption-reader.js";
import type { FeatureBatch, FeatureSource } from "./feature-batch.js";
import type { PictureCodec } from "./picture-codec.js";
import { squaresOf } from "./pixels.js";
import { StepDraws } from "./step-draws.js";

export class LiveFeatures implements FeatureSource {
  readonly emptyCaption: Tensor;

  /**
   * @param sizePixels of the loader's squares
   * @param draw `seed` of flips and of the posterior's noise, and the share of pictures turned left to right
   */
  constructor(
    readonly count: number,
    readonly loader: Loader,
    readonly sizePixels: number,
    readonly codec: PictureCodec,
    readonly captions: CaptionReader,
    readonly draw: { readonly seed: number; readonly flip: number },
  ) {
    this.emptyCaption = captions.told([""]).persist();
  }

  async batch(numbers: readonly number[], step: number): Promise<FeatureBatch> {
    const draws = new StepDraws(this.draw.seed, step);
    const flips = draws.flips(numbers.length, this.draw.flip);
    const samples = await this.loader.load(
      numbers.map((number, i) => ({ number, view: { kind: flips[i] ? "centre-flipped" : "centre" } })),
    );
    return noGrad(() =>
      scope(() => {
        const encoded = this.codec.encode(squaresOf(samples, this.sizePixels));
        const [B, , h, w] = encoded.shape as [number, number, number, number];
        const noise = draws.noise([B, this.codec.channels, h, w]);
        const texts = samples.map(({ caption }) => caption);
        return {
          latents: this.codec.latents(encoded, noise),
          captionIds: this.captions.ids(texts),
          captions: this.captions.told(texts),
        };
      }),
    );
  }
}
