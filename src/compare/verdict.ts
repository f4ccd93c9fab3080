/** @file Whether a claim held: the difference between two systems, seed by seed, with the interval that decides. */
import { type Interval, meanOf, pairedDifference, seedInterval } from "../evaluate/intervals.js";
import type { Measurement } from "../evaluate/measurement.js";

/** What one side of a claim was measured as, a measurement for each seed. */
export type Side = ReadonlyMap<number, Measurement>;

export interface SeedDifference {
  readonly seed: number;
  readonly better: number;
  readonly than: number;
  /** How much better, in the measure's unit; below 0 it is worse. */
  readonly mean: number;
  /** Of the seed's samples. */
  readonly interval: Interval | null;
}

export interface Verdict {
  /**
   * `holds`: the interval lies above 0; `fails`: it lies below; `open`: it holds 0. A claim of "no worse" holds where the interval
   * reaches 0, and fails where it lies below. Without an interval every claim is open.
   */
  readonly verdict: "holds" | "fails" | "open";
  readonly mean: number;
  /** Null where a figure of too few seeds has no interval of its own. */
  readonly interval: Interval | null;
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
  const mean = meanOf(means);
  const interval = over === "seeds" ? seedInterval(means) : joined(seeds, mean);
  return { verdict: decided(interval, claimed), mean, interval, over, seeds };
}

function decided(interval: Interval | null, claimed: "better" | "no-worse"): Verdict["verdict"] {
  if (interval === null) return "open";
  if (interval.high < 0) return "fails";
  return claimed === "no-worse" || interval.low > 0 ? "holds" : "open";
}

function differenceOf(seed: number, one: Measurement, other: Measurement, sign: 1 | -1): SeedDifference {
  const ends = { seed, better: one.value, than: other.value };
  const paired =
    one.outcomes !== null && other.outcomes !== null && one.outcomes.length === other.outcomes.length;
  if (paired) {
    const { mean, low, high } = pairedDifference(other.outcomes!, one.outcomes!);
    return sign > 0
      ? { ...ends, mean, interval: { low, high } }
      : { ...ends, mean: -mean, interval: { low: -high, high: -low } };
  }
  const mean = sign * (one.value - other.value);
  const halves = [one, other].map(({ interval }) => halfOf(interval));
  return { ...ends, mean, interval: around(mean, halves) };
}

const halfOf = (interval: Interval | null): number | null =>
  interval === null ? null : (interval.high - interval.low) / 2;

/** Of a sum of independent figures. @param halves of their intervals */
function around(mean: number, halves: readonly (number | null)[]): Interval | null {
  if (halves.includes(null)) return null;
  const half = Math.hypot(...(halves as readonly number[]));
  return { low: mean - half, high: mean + half };
}

/** Seeds too few to speak for themselves: their samples' intervals, as of independent ones. */
function joined(seeds: readonly SeedDifference[], mean: number): Interval | null {
  const halves = seeds.map(({ interval }) => halfOf(interval));
  return around(
    mean,
    halves.map((half) => (half === null ? null : half / seeds.length)),
  );
}
