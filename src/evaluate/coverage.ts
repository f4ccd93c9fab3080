/**
 * @file Precision and recall of drawn pictures (Kynkäänniemi et al., 2019): the share of drawn ones that lie where real ones do, and the
 * share of real ones that lie where drawn ones do. A place is within reach of a picture's k-th neighbour.
 */
import { DreamError } from "../errors.js";
import { cat, scope, type Tensor } from "../tensor/index.js";
import { drawnFeatures, realFeatures } from "./inception-features.js";
import { meanOf, shareInterval } from "./intervals.js";
import type { Measure } from "./measurement.js";

export interface Coverage {
  readonly precision: number;
  readonly recall: number;
  /** Of each drawn picture, whether it lies where real ones do: 1 or 0, of which precision is the mean. */
  readonly drawnWithin: readonly number[];
}

/** Rows whose distances to all others are held at a time. */
const window = 1024;

/** @param real [n, D] @param drawn [m, D] @param neighbour k, 3 in the paper */
export function coverage(real: Tensor, drawn: Tensor, neighbour: number): Coverage {
  for (const [name, features] of Object.entries({ real, drawn }))
    if (features.size(0) <= neighbour)
      throw new DreamError("value", {
        operation: "precision and recall",
        expected: `more than ${neighbour} ${name} pictures`,
        got: String(features.size(0)),
      });
  const drawnWithin = within(drawn, real, neighbour);
  return { precision: meanOf(drawnWithin), recall: meanOf(within(real, drawn, neighbour)), drawnWithin };
}

/** Which of `some` lie no farther from one of `others` than its k-th neighbour among them. */
function within(some: Tensor, others: Tensor, neighbour: number): number[] {
  return scope(() => {
    const reach = squaredReach(others, neighbour);
    return [...windowsOf(some)].flatMap((rows) =>
      scope(() => squaredDistances(rows, others).le(reach).amax(1).to({ dtype: "uint8" }).toNumbers()),
    );
  });
}

/** Squared distance of each to its k-th neighbour, itself not counted. @returns [n] */
function squaredReach(features: Tensor, neighbour: number): Tensor {
  return cat(
    [...windowsOf(features)].map((rows) =>
      scope(() => {
        const [nearest] = squaredDistances(rows, features).topk(neighbour + 1, 1, false, true);
        return nearest.select(1, neighbour);
      }),
    ),
    0,
  );
}

function* windowsOf(features: Tensor): Generator<Tensor> {
  const count = features.size(0);
  for (let first = 0; first < count; first += window)
    yield features.narrow(0, first, Math.min(window, count - first));
}

/** In float64: a difference of large numbers. @param a [n, D] @param b [m, D] @returns [n, m] */
function squaredDistances(a: Tensor, b: Tensor): Tensor {
  return scope(() => {
    const [x, y] = [a, b].map((one) => one.to({ device: "cpu", dtype: "float64" })) as [Tensor, Tensor];
    const norms = x.square().sum(1).unsqueeze(1).add(y.square().sum(1));
    return norms.sub(x.mm(y.t()).mul(2)).clamp(0);
  });
}

/** As in the paper and in ADM's table. */
const usualNeighbour = 3;

export const precisionRecallMeasure: Measure = {
  name: "precision-recall",
  title: "Precision of drawings: those that lie among real pictures",
  unit: "share",
  better: "higher",
  of: "drawings",
  lacks: ({ drawings, judges }) => {
    if (drawings === null) return "a model that draws";
    return judges.inception === null ? "the weights of the Inception network" : null;
  },
  run: async ({ data, drawings, judges }) => {
    const inception = judges.inception!;
    const { drawn } = await drawings!();
    const real = await realFeatures(inception, data.test, drawn);
    const { pool } = drawnFeatures(inception, drawn);
    const { precision, recall, drawnWithin } = coverage(real, pool, usualNeighbour);
    return {
      value: precision,
      interval: shareInterval(Math.round(precision * drawn.length), drawn.length),
      samples: drawn.length,
      outcomes: drawnWithin,
      details: { recall, neighbour: usualNeighbour, features: "Inception" },
    };
  },
};
