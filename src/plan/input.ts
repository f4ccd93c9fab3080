/** @file What training must be fed, on paper, and what feeds it: pictures decoded on the spot, or a feature cache. */
import { bytesPerSample } from "../features/cache-format.js";
import type { Recipe } from "../recipe/recipe.js";

/**
 * Pictures of 500 x 375 that a processor core decodes and cuts in a second: 685 on two AVX2 cores (`npm run bench -- data`, LOG.md). More
 * cores were not tried.
 */
export const decodedPerCore = 343;

/** Parameters of the frozen models that recipes name: an SD-VAE's encoder and decoder, T5-large's encoder. */
const frozenParameters: Readonly<Record<string, number>> = {
  "stabilityai/sd-vae-ft-ema": 83_653_863,
  "google-t5/t5-large": 335_141_888,
};

/** What all devices together take in. */
export interface InputPlan {
  readonly imagesPerSecond: number;
  /** Cores that decode so many pictures; frozen models' work is not in it. */
  readonly decodingCores: number;
  /** A cache's bytes for each sample, for all samples, and read in a second; null where a recipe's features cannot be cached. */
  readonly cache: {
    readonly bytesPerSample: number;
    readonly bytes: number;
    readonly bytesPerSecond: number;
  } | null;
}

/** @param imagesPerSecond that all devices learn from together */
export function planInput(recipe: Recipe, imagesPerSecond: number, samples: number): InputPlan {
  const decodingCores = imagesPerSecond / decodedPerCore;
  const { data } = recipe;
  if (data.kind !== "pictures" || data.crop.kind !== "centre")
    return { imagesPerSecond, decodingCores, cache: null };
  const { latent, textTower, captions } = recipe.model;
  // An autoencoder's posterior has a mean and a deviation for each number of a latent.
  const channels = recipe.codec.kind === "vae" ? 2 * latent.channels : latent.channels;
  const bytes = bytesPerSample({
    encoded: [channels, latent.side, latent.side],
    contextLength: textTower.contextLength,
    states: captions.kind === "states" ? [captions.length, captions.width] : null,
    pixels: "left-out",
    sizePixels: data.sizePixels,
  });
  const cache = {
    bytesPerSample: bytes,
    bytes: bytes * samples,
    bytesPerSecond: bytes * imagesPerSecond,
  };
  return { imagesPerSecond, decodingCores, cache };
}

/**
 * Bytes of a recipe's frozen models where they stay open, in the precision of its steps: 0 where it has none, null where it names
 * models that are not known here.
 */
export function frozenBytes({ codec, captions, precision }: Recipe): number | null {
  const names = [
    ...(codec.kind === "vae" ? [codec.model] : []),
    ...(captions.kind === "t5" ? [captions.model] : []),
  ];
  const counts = names.map((name) => frozenParameters[name]);
  if (counts.includes(undefined)) return null;
  return (precision === "float32" ? 4 : 2) * counts.reduce<number>((sum, count) => sum + count!, 0);
}
