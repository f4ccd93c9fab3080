/**
 * @file How far two sets of features lie apart, as Gaussians (the Fréchet distance; Heusel et al., 2017), and the measure of drawings by it in
 * a frozen encoder's features. On the pooled features of Inception the distance is called FID; on another encoder's it has no such name, and
 * its numbers compare only with others of the same encoder and as many pictures.
 */
import { DreamError } from "../errors.js";
import { cat, Generator, linalgEigh, randint, scope, type Tensor } from "../tensor/index.js";
import { samplesOf } from "./drawn-samples.js";
import { type FeatureStatistics, statisticsOf } from "./feature-statistics.js";
import { type Interval, meanOf } from "./intervals.js";
import type { Measure } from "./measurement.js";

/**
 * |m - m'|² + tr(S + S' - 2 (S S')^½). The root's trace is the sum of the roots of the eigenvalues of S^½ S' S^½, which is symmetric, so nothing
 * is complex and no part is added to the diagonal.
 * @throws DreamError `shape` where the widths differ
 */
export function frechetDistance(a: FeatureStatistics, b: FeatureStatistics): number {
  const [width, other] = [a.mean.size(0), b.mean.size(0)];
  if (width !== other)
    throw new DreamError("shape", {
      operation: "Fréchet distance",
      expected: `statistics of one encoder: ${width} numbers for each picture`,
      got: String(other),
    });
  return scope(() => {
    const between = a.mean.sub(b.mean).square().sum().item();
    const root = squareRoot(a.covariance);
    const [values] = linalgEigh(root.mm(b.covariance).mm(root));
    const traces = a.covariance.diagonal().sum().item() + b.covariance.diagonal().sum().item();
    return Math.max(0, between + traces - 2 * values.clamp(0).sqrt().sum().item());
  });
}

/** Of a symmetric matrix without negative eigenvalues, but for rounding. */
function squareRoot(matrix: Tensor): Tensor {
  const [values, vectors] = linalgEigh(matrix);
  return vectors.mul(values.clamp(0).sqrt()).mm(vectors.t());
}

const resamplings = 100;
/** Wider features take too long to resample. */
const widestResampled = 256;

/**
 * The distance's 95% interval over which pictures were drawn: they are drawn again from among themselves. Sets with doubles in them lie
 * farther from any other, so of the distances that this gives only the spread is taken.
 * @param distance of all that were drawn @param drawn [n, D] @param seed of the resampling
 */
export function bootstrapInterval(
  distance: number,
  real: FeatureStatistics,
  drawn: Tensor,
  seed: number,
): Interval {
  const random = Generator.fromSeed(seed);
  const count = drawn.size(0);
  const distances = Array.from({ length: resamplings }, () =>
    scope(() => {
      const places = randint(0, count, [count], { generator: random, dtype: "int64" });
      return frechetDistance(real, statisticsOf(drawn.indexSelect(0, places)));
    }),
  ).sort((a, b) => a - b);
  random.dispose();
  const mean = meanOf(distances);
  const at = (share: number): number => distance + distances[Math.round(share * (resamplings - 1))]! - mean;
  return { low: Math.max(0, at(0.025)), high: at(0.975) };
}

/** Pictures that a judge sees at a time. */
const window = 128;

export const frechetMeasure: Measure = {
  name: "frechet",
  title: "Fréchet distance of drawings from real pictures in another encoder's features",
  unit: "distance",
  better: "lower",
  of: "drawings",
  lacks: ({ drawings, judges }) => {
    if (drawings === null) return "a model that draws";
    return judges.encoder === null ? "a frozen encoder of pictures as a judge" : null;
  },
  run: async ({ data, drawings, judges, seed }) => {
    const judge = judges.encoder!;
    const { drawn } = await drawings!();
    const parts: { readonly real: Tensor; readonly drawn: Tensor }[] = [];
    for (let first = 0; first === 0 || first < drawn.length; first += window) {
      const some = drawn.slice(first, first + window);
      const samples = await samplesOf(data.test, some);
      parts.push({
        real: judge.features(samples.map(({ picture }) => picture)),
        drawn: judge.features(some.map(({ picture }) => picture)),
      });
    }
    return scope(() => {
      const joined = (of: "real" | "drawn"): Tensor =>
        cat(
          parts.map((part) => part[of]),
          0,
        );
      const features = joined("drawn");
      const real = statisticsOf(joined("real"));
      for (const part of parts) for (const one of Object.values(part)) one.dispose();
      const distance = frechetDistance(real, statisticsOf(features));
      const width = features.size(1);
      return {
        value: distance,
        interval: width <= widestResampled ? bootstrapInterval(distance, real, features, seed) : null,
        samples: drawn.length,
        outcomes: null,
        details: { encoder: judge.name, width, reference: data.test.name },
      };
    });
  },
};
