/** @file A set of features as a Gaussian, in double precision: what Fréchet distances are taken between. */
import { DreamError } from "../errors.js";
import { scope, type Tensor, zeros } from "../tensor/index.js";

/** A set of features as a Gaussian, float64. */
export interface FeatureStatistics {
  /** [D] */
  readonly mean: Tensor;
  /** [D, D], divided by one less than there are features. */
  readonly covariance: Tensor;
}

/** Features that are made float64 at a time. */
const window = 4096;

/** @param features [n, D] @throws DreamError `value` where there are fewer than two */
export function statisticsOf(features: Tensor): FeatureStatistics {
  const [count, width] = features.shape as [number, number];
  if (count < 2)
    throw new DreamError("value", {
      operation: "statistics of features",
      expected: "two samples or more",
      got: String(count),
    });
  return scope(() => {
    const mean = zeros([width], { dtype: "float64" });
    for (const part of doubles(features)) mean.add_(part.sum(0));
    mean.div_(count);
    const covariance = zeros([width, width], { dtype: "float64" });
    for (const part of doubles(features)) {
      const centred = part.sub(mean);
      covariance.add_(centred.t().mm(centred));
    }
    return { mean, covariance: covariance.div_(count - 1) };
  });
}

function* doubles(features: Tensor): Generator<Tensor> {
  const count = features.size(0);
  for (let first = 0; first < count; first += window)
    yield features.narrow(0, first, Math.min(window, count - first)).to({ device: "cpu", dtype: "float64" });
}
