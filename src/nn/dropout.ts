/** @file Dropout: a share of the numbers set to zero, the others scaled so that means stay. */
import { call, type Tensor } from "../tensor/index.js";

/**
 * For training; its choices are seeded by the default generator of the device. On the CPU they are made by `native/dropout.cc`.
 * @param share of the numbers, 0..1
 */
export function dropout(x: Tensor, share: number): Tensor {
  return call("dream::dropout", x, share) as Tensor;
}
