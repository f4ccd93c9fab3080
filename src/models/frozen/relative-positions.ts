/**
 * @file T5's relative positions: what a head adds to the score of a place for how far away it lies (Raffel et al. 2020, section
 * 2.1). Distances share buckets, the more the farther they are.
 */
import { Module, parameter } from "../../nn/index.js";
import { arange, type Device, embedding, type Tensor, where } from "../../tensor/index.js";

export interface RelativePositionSize {
  readonly heads: number;
  /** Half for places before, half for places after; half of each for one distance alone. */
  readonly buckets: number;
  /** From here on all distances are one. */
  readonly maximumDistance: number;
}

export class RelativePositions extends Module {
  readonly weight: Tensor;
  readonly #buckets: number;
  readonly #maximumDistance: number;

  constructor({ heads, buckets, maximumDistance }: RelativePositionSize, device: Device = "cpu") {
    super();
    this.weight = parameter([buckets, heads], device);
    this.#buckets = buckets;
    this.#maximumDistance = maximumDistance;
  }

  /** What is added to the scores. @param length N @returns [1, heads, N, N] */
  forward(length: number): Tensor {
    const buckets = relativeBuckets(length, this.#buckets, this.#maximumDistance);
    return embedding(this.weight, buckets.to({ device: this.weight.device }))
      .permute([2, 0, 1])
      .unsqueeze(0);
  }
}

/**
 * The bucket of every pair of places. A distance on the border of two buckets falls to one of them by rounding, so this is
 * float32 arithmetic in the reference's order, and on the CPU for every device.
 * @returns int64 [N, N], queries down, keys across
 */
export function relativeBuckets(length: number, buckets: number, maximumDistance: number): Tensor {
  const half = Math.floor(buckets / 2);
  const exact = Math.floor(half / 2);
  const places = arange(0, length, 1, { dtype: "int64" });
  const offset = places.unsqueeze(0).sub(places.unsqueeze(1));
  const distance = offset.abs();
  const far = distance
    .to({ dtype: "float32" })
    .div(exact)
    .log()
    .div(Math.log(maximumDistance / exact))
    .mul(half - exact)
    .clamp(0, half - exact - 1)
    .to({ dtype: "int64" })
    .add(exact);
  return where(distance.lt(exact), distance, far).add(offset.gt(0).to({ dtype: "int64" }).mul(half));
}
