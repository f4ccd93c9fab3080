/** @file How near a step comes to what the machine can multiply. */

import { matmulGflops } from "../tensor/benchmark.js";
import type { Trainer } from "./trainer.js";

/** What a step is measured by. */
export interface Ceiling {
  /** Operations a second that this process's matrix products reach at best, in the precision of training. */
  readonly flopsPerSecond: number;
  /** Operations of this process's part of a step. @param maskRatio the batch's, 0..1 */
  readonly stepFlops: (maskRatio: number) => number;
}

/** Rounds of the product that is timed: some tenths of a second. */
const rounds = 3;

/** The ceiling of a trainer's device and precision, measured now. @param stepFlops see {@link Ceiling} */
export function measureCeiling(
  { model, config }: Trainer,
  stepFlops: (maskRatio: number) => number,
): Ceiling {
  return { flopsPerSecond: 1e9 * matmulGflops(model.device, config.precision, rounds), stepFlops };
}

/** The share of the ceiling that a step reached, 0..1; null where none was measured. */
export function ceilingShare(ceiling: Ceiling | null, maskRatio: number, seconds: number): number | null {
  return ceiling === null ? null : ceiling.stepFlops(maskRatio) / seconds / ceiling.flopsPerSecond;
}
