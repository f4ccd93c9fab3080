/** @file Where the random draws of a drawing come from: a stream for each image and candidate, whatever the batch. */
import { TokenOrders } from "../models/dream/mask.js";
import type { TokenNoise } from "../models/dream/token-diffusion.js";
import { Generator, randn, scope, stack } from "../tensor/index.js";
import type { Trajectory } from "./selection.js";

/** Noise for the tokens that one step draws. */
export interface NoiseRequest {
  /** Each draws so many tokens. */
  readonly trajectories: readonly Trajectory[];
  readonly tokensPerImage: number;
  readonly tokenWidth: number;
  /** Blocks of noise after the initial one: S, or 0. */
  readonly noiseBlocks: number;
}

/** Gives noise, trajectory by trajectory in raster order: initial [P, C] and steps [S, P, C], P = trajectories x tokens per image. */
export interface NoiseSource {
  /** The draws of one decoding step. */
  draw(request: NoiseRequest): TokenNoise;
}

/** One stream for each image and candidate, by the image's seed: the same draws in any batch; candidate 0 is plain decoding. */
export class SeededNoise implements NoiseSource {
  readonly #seeds: readonly number[];
  readonly #streams = new Map<string, Generator>();

  /** @param seeds one for each image */
  constructor(seeds: readonly number[]) {
    this.#seeds = seeds;
  }

  draw({ trajectories, tokensPerImage, tokenWidth, noiseBlocks }: NoiseRequest): TokenNoise {
    return scope(() => {
      const each = trajectories.map(({ image, candidate }) =>
        randn([noiseBlocks + 1, tokensPerImage, tokenWidth], {
          generator: this.#stream(image, candidate),
        }),
      );
      const all = stack(each, 1).reshape([noiseBlocks + 1, trajectories.length * tokensPerImage, tokenWidth]);
      return { initial: all.select(0, 0), steps: all.narrow(0, 1, noiseBlocks) };
    });
  }

  #stream(image: number, candidate: number): Generator {
    const key = `${image} ${candidate}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = Generator.fromSeed(candidateSeed(this.#seeds[image]!, candidate));
      this.#streams.set(key, stream);
    }
    return stream;
  }
}

/** A seed of its own for each candidate of an image; candidate 0 has the image's. */
export function candidateSeed(seed: number, candidate: number): number {
  return (seed + candidate * 0x9e3779b1) % Number.MAX_SAFE_INTEGER;
}

/** Random orders, each image's by its own seed, so that they do not depend on the batch. */
export function seededOrders(seeds: readonly number[], tokenCount: number): TokenOrders {
  const values = new Int32Array(seeds.length * tokenCount);
  for (const [image, seed] of seeds.entries())
    values.set(TokenOrders.random(1, tokenCount, Generator.fromSeed(seed)).values, image * tokenCount);
  return new TokenOrders(seeds.length, tokenCount, values);
}
