/** @file The normal distribution's cumulative and quantile functions, in double precision, from libtorch. */
import { tensor } from "./create.js";
import { findOperator, invokeTensor, scope } from "./tensor.js";

const ndtr = findOperator("aten::special_ndtr");
const ndtri = findOperator("aten::special_ndtri");

/** Probability that a standard normal variable is at most `x`. */
export function normalCdf(x: number): number {
  return scope(() => invokeTensor(ndtr, tensor([x], [], { dtype: "float64" }).slot).item());
}

/** The value that a standard normal variable stays below with probability `p` (0 to 1). */
export function normalQuantile(p: number): number {
  return scope(() => invokeTensor(ndtri, tensor([p], [], { dtype: "float64" }).slot).item());
}
