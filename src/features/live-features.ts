/** @file Features made as they are needed: pictures decoded in worker threads, then through the codec and the caption reader. */
import type { Loader } from "../data/loader.js";
import { noGrad, scope, type Tensor } from "../tensor/index.js";
import type { AlignmentEncoder } from "./alignment-encoder.js";
import type { CaptionReader } from "./caption-reader.js";
import type { FeatureBatch, FeatureSource } from "./feature-batch.js";
import { classesOf } from "./labels.js";
import type { PictureCodec } from "./picture-codec.js";
import { squaresOf } from "./pixels.js";
import { type Augmentation, StepDraws } from "./step-draws.js";

/** What features are made with. */
export interface LiveFeaturesParts {
  readonly loader: Loader;
  /** Of the loader's squares. */
  readonly sizePixels: number;
  readonly codec: PictureCodec;
  readonly captions: CaptionReader;
  /** What the model is aligned to, or null. */
  readonly alignment: AlignmentEncoder | null;
  /** Of what is drawn for each step: the views, and the posterior's noise. */
  readonly seed: number;
  readonly augmentation: Augmentation;
}

export class LiveFeatures implements FeatureSource {
  readonly emptyCaption: Tensor;

  constructor(
    readonly count: number,
    readonly parts: LiveFeaturesParts,
  ) {
    this.emptyCaption = parts.captions.told([""]).persist();
  }

  async batch(numbers: readonly number[], step: number, firstPlace: number): Promise<FeatureBatch> {
    const { loader, sizePixels, codec, captions, alignment, seed, augmentation } = this.parts;
    const draws = new StepDraws(seed, step, firstPlace, numbers.length);
    const views = draws.views(augmentation);
    const samples = await loader.load(numbers.map((number, i) => ({ number, view: views[i]! })));
    return noGrad(() =>
      scope(() => {
        const pixels = squaresOf(samples, sizePixels);
        const encoded = codec.encode(pixels);
        const [, , h, w] = encoded.shape as [number, number, number, number];
        const noise = draws.noise([codec.channels, h, w]);
        draws.dispose();
        const texts = samples.map(({ caption }) => caption);
        return {
          latents: codec.latents(encoded, noise),
          captionIds: captions.ids(texts),
          captions: captions.told(texts),
          classes: classesOf(samples.map(({ label }) => label)),
          alignmentTargets: alignment?.targets(pixels),
        };
      }),
    );
  }

  /** Those that are read in the place of broken ones, as far as they were met. */
  keysOf(numbers: readonly number[]): string[] {
    return this.parts.loader.keysOf(numbers);
  }
}
