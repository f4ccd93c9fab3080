/** @file The interval of a figure that is no mean: how it moves when samples are drawn again from themselves (the percentile bootstrap). */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Interval } from "./intervals.js";

/** How often samples are drawn again. */
const draws = 400;

/** 95% of what a figure would be. @param samples at least one @param figure of as many samples, some of them several times */
export function resampledInterval<Sample>(
  samples: readonly Sample[],
  figure: (some: readonly Sample[]) => number,
  seed: number,
): Interval {
  const random = xoroshiro128plus(seed);
  const figures = Array.from({ length: draws }, () =>
    figure(samples.map(() => samples[uniformInt(random, 0, samples.length - 1)]!)),
  ).sort((a, b) => a - b);
  return { low: figures[Math.floor(draws * 0.025)]!, high: figures[Math.ceil(draws * 0.975) - 1]! };
}
