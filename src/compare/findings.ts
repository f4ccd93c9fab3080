/** @file What a comparison's results say: a table of every measure, and a verdict for every claim. */
import { z } from "zod";
import { meanOf, seedInterval } from "../evaluate/intervals.js";
import type { Measure, Measurement } from "../evaluate/measurement.js";
import { measureNamed } from "../evaluate/measures.js";
import type { Claim, ClaimSide, Comparison } from "./comparison.js";
import type { SystemResult } from "./results.js";
import { type Side, type Verdict, verdictOf } from "./verdict.js";

/** One system, or one system drawing in one way. */
export interface FindingsRow {
  readonly system: string;
  readonly decoder: string | null;
  readonly title: string;
}

/** A figure over seeds. */
export interface Figure {
  readonly mean: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly seeds: number;
}

export interface MeasureTable {
  readonly measure: Measure;
  readonly rows: readonly { readonly row: FindingsRow; readonly figure: Figure }[];
}

export interface ClaimFinding {
  readonly claim: Claim;
  /** Null where it is not measured yet. */
  readonly verdict: Verdict | null;
}

/** How well a system names pictures while a share of their tokens is hidden: the mean of its seeds. */
export interface MaskedCurve {
  readonly title: string;
  readonly points: readonly { readonly masked: number; readonly accuracy: number }[];
}

export interface Findings {
  readonly comparison: Comparison;
  readonly results: readonly SystemResult[];
  readonly tables: readonly MeasureTable[];
  readonly curves: readonly MaskedCurve[];
  readonly claims: readonly ClaimFinding[];
}

export function findingsOf(comparison: Comparison, results: readonly SystemResult[]): Findings {
  const rowsOf = (measure: Measure): FindingsRow[] =>
    comparison.systems.flatMap(({ name, title, decoders }): FindingsRow[] =>
      measure.of === "understanding"
        ? [{ system: name, decoder: null, title }]
        : decoders.map((decoder) => ({ system: name, decoder, title: `${title}, ${decoder}` })),
    );
  const tables = comparison.measures.map(measureNamed).map((measure) => ({
    measure,
    rows: rowsOf(measure).flatMap((row) => {
      const side = sideOf(results, { system: row.system, decoder: row.decoder ?? undefined }, measure);
      return side.size === 0 ? [] : [{ row, figure: figureOf([...side.values()]) }];
    }),
  }));
  const claims = comparison.claims.map((claim): ClaimFinding => {
    const measure = measureNamed(claim.measure);
    const [better, than] = [claim.better, claim.than].map((side) => sideOf(results, side, measure));
    return { claim, verdict: verdictOf(better!, than!, measure.better, claim.expects) };
  });
  const curves = comparison.systems.flatMap(({ name, title }): MaskedCurve[] => {
    const points = meanCurve(results.filter(({ system }) => system === name).map(curveOf));
    return points.length === 0 ? [] : [{ title, points }];
  });
  return { comparison, results, tables, curves, claims };
}

const curveSchema = z.array(z.object({ masked: z.number(), accuracy: z.number() }));

/** Of several seeds, at each share. */
function meanCurve(seeds: readonly MaskedCurve["points"][]): MaskedCurve["points"] {
  const curves = seeds.filter(({ length }) => length > 0);
  const [first = []] = curves;
  return first.map(({ masked }, i) => ({
    masked,
    accuracy: curves.reduce((sum, points) => sum + points[i]!.accuracy, 0) / curves.length,
  }));
}

function curveOf(result: SystemResult): MaskedCurve["points"] {
  const parsed = curveSchema.safeParse(result.understanding["zero-shot"]?.details.curve);
  return parsed.success ? parsed.data : [];
}

function sideOf(results: readonly SystemResult[], { system, decoder }: ClaimSide, { name }: Measure): Side {
  return new Map(
    results
      .filter((one) => one.system === system)
      .flatMap((one): [number, Measurement][] => {
        const there = decoder === undefined ? one.understanding : one.drawings[decoder];
        const measured = there?.[name];
        return measured === undefined ? [] : [[one.seed, measured as Measurement]];
      }),
  );
}

/** One seed has its own interval; several have theirs. */
function figureOf(measured: readonly Measurement[]): Figure {
  const values = measured.map(({ value }) => value);
  const mean = meanOf(values);
  const interval = values.length === 1 ? measured[0]!.interval : seedInterval(values);
  return { mean, low: interval?.low ?? null, high: interval?.high ?? null, seeds: values.length };
}
