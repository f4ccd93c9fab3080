/** @file The two likelihood terms of the variational loss, element by element, in nats (SPEC section 4). */
import { type Tensor, where } from "../../tensor/index.js";

/** KL divergence of N(mean1, exp(logVariance1)) from N(mean2, exp(logVariance2)). */
export function gaussianDivergence(
  mean1: Tensor,
  logVariance1: Tensor,
  mean2: Tensor,
  logVariance2: Tensor,
): Tensor {
  return logVariance2
    .sub(logVariance1)
    .add(-1)
    .add(logVariance1.sub(logVariance2).exp())
    .add(mean1.sub(mean2).square().mul(logVariance2.neg().exp()))
    .mul(0.5);
}

/** The normal distribution's cumulative function by its tanh approximation. */
function approximateCdf(x: Tensor): Tensor {
  return x
    .pow(3)
    .mul(0.044715)
    .add(x)
    .mul(Math.sqrt(2 / Math.PI))
    .tanh()
    .add(1)
    .mul(0.5);
}

/** Log-likelihood of values on a grid of half-bins of 1/255; the edges are open. */
export function discretisedLogLikelihood(x: Tensor, mean: Tensor, logDeviation: Tensor): Tensor {
  const centred = x.sub(mean);
  const inverse = logDeviation.neg().exp();
  const above = approximateCdf(inverse.mul(centred.add(1 / 255)));
  const below = approximateCdf(inverse.mul(centred.sub(1 / 255)));
  const logAbove = above.clamp(1e-12).log();
  const logNotBelow = below.neg().add(1).clamp(1e-12).log();
  const logBetween = above.sub(below).clamp(1e-12).log();
  return where(x.lt(-0.999), logAbove, where(x.gt(0.999), logNotBelow, logBetween));
}
