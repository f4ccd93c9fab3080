/** @file A data set of small pictures, read from its shards and made into features: codec, words, table. */

import type { Sample } from "../data/sample.js";
import { openShards } from "../data/shards.js";
import { scope, type Tensor } from "../tensor/index.js";
import { WordTokenizer } from "../text/words.js";
import { FeatureTable } from "./feature-table.js";
import { type CodecConfig, PatchCodec, pixelsOf } from "./patch-codec.js";

/** Samples that are decoded at a time. */
const window = 128;

/** Every sample of some shards, in order. @param onProgress told how many are read, of how many */
export async function readSamples(
  pattern: string,
  onProgress: (done: number, all: number) => void,
): Promise<Sample[]> {
  const source = await openShards(pattern);
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

/** Pictures that the codec is fitted to. */
const fitted = 2000;

/** What turns this data set's pictures and captions into features, learned from its own training samples. */
export function fitFeatures(
  samples: readonly Sample[],
  codec: CodecConfig,
  contextLength: number,
): { codec: PatchCodec; tokenizer: WordTokenizer } {
  const pixels = pixelsOf(samples.slice(0, fitted).map(({ picture }) => picture));
  try {
    return {
      codec: PatchCodec.fit(pixels, codec),
      tokenizer: WordTokenizer.fromCaptions(
        samples.map(({ caption }) => caption),
        contextLength,
      ),
    };
  } finally {
    pixels.dispose();
  }
}

/** All features of some samples, in memory. */
export function tableOf(
  samples: readonly Sample[],
  codec: PatchCodec,
  tokenizer: WordTokenizer,
): FeatureTable {
  const latents: Tensor = scope(() => codec.encode(pixelsOf(samples.map(({ picture }) => picture))));
  return new FeatureTable(
    latents,
    samples.map(({ caption }) => caption),
    tokenizer,
  );
}
