/** @file How near a step comes to what the machine can multiply. */

import { matmulGflops } from "../tensor/benchmark.js";
import type { StepReport, Trainer } from "./trainer.js";

/** What a step says of its masks. */
export type MaskedStep = Pick<StepReport, "maskRatio" | "generativeShare">;

/** What a step is measured by. */
export interface Ceiling {
  /** Operations a second that this process's matrix products reach at best, in the precision of training. */
  readonly flopsPerSecond: number;
  /** Operations of this process's part of a step. */
  readonly stepFlops: (step: MaskedStep) => number;
}

/** Rounds of the product that is timed: some tenths of a second. */
const rounds = 3;

/** The ceiling of a trainer's device and precision, measured now. @param stepFlops see {@link Ceiling} */
export function measureCeiling({ model, config }: Trainer, stepFlops: Ceiling["stepFlops"]): Ceiling {
  return { flopsPerSecond: 1e9 * matmulGflops(model.device, config.precision, rounds), stepFlops };
}

/** The share of the ceiling that a step reached, 0..1; null where none was measured. */
export function ceilingShare(ceiling: Ceiling | null, step: MaskedStep, seconds: number): number | null {
  return ceiling === null ? null : ceiling.stepFlops(step) / seconds / ceiling.flopsPerSecond;
}
