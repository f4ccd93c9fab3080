/** @file Figures of measures as people read them. */
import type { Measure } from "../evaluate/measurement.js";
import { inUnit } from "../evaluate/units.js";
import type { Figure } from "./findings.js";
import type { Verdict } from "./verdict.js";

export function figureText(measure: Measure, { mean, low, high }: Figure): string {
  const value = inUnit(measure, mean);
  return low === null || high === null
    ? value
    : `${value} (${inUnit(measure, low)} to ${inUnit(measure, high)})`;
}

/** A difference, with what its interval is made of. */
export function differenceText(measure: Measure, { mean, interval, over, seeds }: Verdict): string {
  const sign = (value: number): string => `${value < 0 ? "-" : "+"}${inUnit(measure, Math.abs(value))}`;
  const count = seeds.length === 1 ? "one seed" : `${seeds.length} seeds`;
  const of = over === "seeds" || seeds.length === 1 ? count : `${count}' samples`;
  const within = interval === null ? "no interval" : `${sign(interval.low)} to ${sign(interval.high)}`;
  return `${sign(mean)} (${within}, ${of})`;
}

/** A verdict in a word. */
export const verdictText = (verdict: Verdict | null): string =>
  verdict === null ? "not measured" : { holds: "holds", fails: "fails", open: "open" }[verdict.verdict];
