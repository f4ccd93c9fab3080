/** @file A data set of small pictures, read from its shards and made into a table of features. */
import { openSamples } from "../data/open-samples.js";
import type { Sample } from "../data/sample.js";
import { cat, scope, type Tensor } from "../tensor/index.js";
import type { AlignmentEncoder } from "./alignment-encoder.js";
import type { CaptionReader } from "./caption-reader.js";
import { FeatureTable } from "./feature-table.js";
import type { PictureCodec } from "./picture-codec.js";
import { pixelsOf } from "./pixels.js";

/** Samples that are decoded and encoded at a time. */
const window = 128;

/** Every sample of some shards, in order. @param onProgress told how many are read, of how many */
export async function readSamples(
  pattern: string,
  onProgress: (done: number, all: number) => void,
): Promise<Sample[]> {
  const source = await openSamples(pattern);
  try {
    const samples: Sample[] = [];
    while (samples.length < source.count) {
      const numbers = Array.from(
        { length: Math.min(window, source.count - samples.length) },
        (_, i) => samples.length + i,
      );
      samples.push(...(await Promise.all(numbers.map((number) => source.read(number)))));
      onProgress(samples.length, source.count);
    }
    return samples;
  } finally {
    await source.close();
  }
}

/** All features of some samples, in memory. */
export function tableOf(
  samples: readonly Sample[],
  {
    codec,
    captions: reader,
    alignment,
  }: {
    readonly codec: PictureCodec;
    readonly captions: CaptionReader;
    readonly alignment: AlignmentEncoder | null;
  },
): FeatureTable {
  return scope(() => {
    const latents: Tensor[] = [];
    const targets: Tensor[] = [];
    for (let first = 0; first < samples.length; first += window)
      scope(() => {
        const pixels = pixelsOf(samples.slice(first, first + window).map(({ picture }) => picture));
        latents.push(codec.latents(codec.encode(pixels), null).persist());
        if (alignment !== null) targets.push(alignment.targets(pixels).persist());
      });
    const texts = samples.map(({ picture: _, ...text }) => text);
    const table = new FeatureTable(
      cat(latents, 0),
      texts,
      reader,
      alignment === null ? undefined : cat(targets, 0),
    );
    for (const part of [...latents, ...targets]) part.dispose();
    return table;
  });
}
