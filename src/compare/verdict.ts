/** @file Whether a claim held: the difference between two systems, seed by seed, with the interval that decides. */
import { type Interval, pairedDifference, seedInterval } from "../evaluate/intervals.js";
import type { Measurement } from "../evaluate/measurement.js";

/** What one side of a claim was measured as, a measurement for each seed. */
export type Side = ReadonlyMap<number, Measurement>;

export interface SeedDifference extends Interval {
  readonly seed: number;
  readonly better: number;
  readonly than: number;
  /** How much better, in the measure's unit; below 0 it is worse. */
  readonly mean: number;
}

export interface Verdict extends Interval {
  /**
   * `holds`: the interval lies above 0; `fails`: it lies below; `open`: it holds 0. A claim of "no worse" holds where the interval
   * reaches 0, and fails where it lies below.
   */
  readonly verdict: "holds" | "fails" | "open";
  readonly mean: number;
  /** What the interval is made of: seeds where there are three or more, the pictures of one seed's test otherwise. */
  readonly over: "seeds" | "samples";
  readonly seeds: readonly SeedDifference[];
}

/** Seeds from which their own spread is worth an interval. */
const enoughSeeds = 3;

/**
 * @param direction of the measure @param claimed whether the first is said to be better, or not to be worse
 * @returns null where no seed has both sides
 */
export function verdictOf(
  better: Side,
  than: Side,
  direction: "higher" | "lower",
  claimed: "better" | "no-worse",
): Verdict | null {
  const sign = direction === "higher" ? 1 : -1;
  const seeds = [...better].flatMap(([seed, one]): SeedDifference[] => {
    const other = than.get(seed);
    return other === undefined ? [] : [differenceOf(seed, one, other, sign)];
  });
  if (seeds.length === 0) return null;
  const over = seeds.length >= enoughSeeds ? "seeds" : "samples";
  const means = seeds.map(({ mean }) => mean);
  const mean = means.reduce((sum, one) => sum + one, 0) / means.length;
  const { low, high } = over === "seeds" ? seedInterval(means) : joined(seeds, mean);
  const fails = high < 0;
  const holds = claimed === "better" ? low > 0 : !fails;
  return { verdict: holds ? "holds" : fails ? "fails" : "open", mean, low, high, over, seeds };
}

function differenceOf(seed: number, one: Measurement, other: Measurement, sign: number): SeedDifference {
  const ends = { seed, better: one.value, than: other.value };
  const paired =
    one.outcomes !== null && other.outcomes !== null && one.outcomes.length === other.outcomes.length;
  if (paired) {
    const { mean, low, high } = pairedDifference(other.outcomes!, one.outcomes!);
    return sign > 0 ? { ...ends, mean, low, high } : { ...ends, mean: -mean, low: -high, high: -low };
  }
  const mean = sign * (one.value - other.value);
  const half = Math.hypot(halfOf(one), halfOf(other));
  return { ...ends, mean, low: mean - half, high: mean + half };
}

const halfOf = ({ interval }: Measurement): number =>
  interval === null ? Number.POSITIVE_INFINITY : (interval.high - interval.low) / 2;

/** Seeds too few to speak for themselves: their samples' intervals, as of independent ones. */
function joined(seeds: readonly SeedDifference[], mean: number): Interval {
  const half = Math.hypot(...seeds.map(({ low, high }) => (high - low) / 2)) / seeds.length;
  return { low: mean - half, high: mean + half };
}
