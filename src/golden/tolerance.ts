/** @file How near is near enough: the difference over the allowance, 1 being the edge. */
import type { Recorded } from "./recordings.js";

/** What a quantity is, which decides its relative allowance. */
export type Quantity = "result" | "gradient" | "latents";

const relative: Readonly<Record<Quantity, number>> = { result: 1e-5, gradient: 1e-4, latents: 1e-3 };

/** One checked quantity; it passes where `error` is at most 1. */
export interface Check {
  readonly name: string;
  readonly error: number;
}

/** Recorded numbers, or integers that must be equal. */
export interface Expected {
  readonly values: readonly number[];
  readonly shape?: readonly number[];
  readonly exact: boolean;
}

/**
 * The largest difference over max(20 x noise, share of the largest value, 1e-7).
 * @returns Infinity where sizes differ, integers differ, or a number is not finite
 */
export function errorOf(
  expected: Expected,
  actual: { readonly values: ArrayLike<number>; readonly shape?: readonly number[] },
  recorded: Recorded = {},
  quantity: Quantity = "result",
): number {
  if (expected.values.length !== actual.values.length) return Number.POSITIVE_INFINITY;
  if (
    expected.shape !== undefined &&
    actual.shape !== undefined &&
    String(expected.shape) !== String(actual.shape)
  )
    return Number.POSITIVE_INFINITY;
  let largest = 0;
  let difference = 0;
  for (const [i, value] of expected.values.entries()) {
    largest = Math.max(largest, Math.abs(value));
    const apart = Object.is(value, actual.values[i]) ? 0 : Math.abs(value - actual.values[i]!);
    if (Number.isNaN(apart)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, apart);
  }
  if (expected.exact) return difference === 0 ? 0 : Number.POSITIVE_INFINITY;
  const allowance = Math.max(
    20 * (recorded.noise ?? 0),
    relative[quantity] * (recorded.absmax ?? largest),
    1e-7,
  );
  return difference / allowance;
}
