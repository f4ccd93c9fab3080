/**
 * @file Depth by a linear head on frozen tokens: the root of the mean squared error in metres, of each test picture and then over pictures, as
 * most reports on NYU take it; at the size and in the square that the model sees. Neither the paper nor its release says how it was
 * measured there. The head learns squared error.
 */
import { DreamError } from "../errors.js";
import { type Tensor, tensor } from "../tensor/index.js";
import { type DenseObjective, type DenseSet, denseHead, usualDenseHead } from "./dense-head.js";
import { denseSets } from "./dense-set.js";
import { meanInterval } from "./intervals.js";
import type { Measure } from "./measurement.js";

/** Over the pixels of one picture whose depth is known. */
export interface DepthErrors {
  readonly pixels: number;
  /** Root of the mean squared error, in metres. */
  readonly rmse: number;
  /** Mean error as a share of the true depth. */
  readonly absRel: number;
  /** Share of the pixels where neither depth is 1.25 times the other or more. */
  readonly delta: number;
}

/** @param metres that were said @param millimetres in truth, 0 where unknown */
export function depthErrors(metres: ArrayLike<number>, millimetres: ArrayLike<number>): DepthErrors {
  let [pixels, squares, shares, near] = [0, 0, 0, 0];
  for (let i = 0; i < millimetres.length; i++) {
    if (millimetres[i] === 0) continue;
    const [said, is] = [metres[i]!, millimetres[i]! / 1000];
    pixels++;
    squares += (said - is) ** 2;
    shares += Math.abs(said - is) / is;
    if (Math.max(said / is, is / said) < 1.25) near++;
  }
  const mean = (sum: number): number => sum / Math.max(1, pixels);
  return { pixels, rmse: Math.sqrt(mean(squares)), absRel: mean(shares), delta: mean(near) };
}

/** What depths to learn from are like, in metres. */
export interface DepthRange {
  readonly mean: number;
  readonly deviation: number;
  readonly low: number;
  readonly high: number;
}

/** @param truths in millimetres, 0 where unknown @throws DreamError `value` where nothing is known */
export function depthRange(truths: DenseSet["truths"]): DepthRange {
  let [count, sum, squares, low, high] = [0, 0, 0, Number.POSITIVE_INFINITY, 0];
  for (const truth of truths)
    for (const millimetres of truth) {
      if (millimetres === 0) continue;
      const metres = millimetres / 1000;
      count++;
      sum += metres;
      squares += metres ** 2;
      low = Math.min(low, metres);
      high = Math.max(high, metres);
    }
  if (count === 0)
    throw new DreamError("value", {
      operation: "measure depth",
      expected: "pixels of known depth",
      got: "none",
    });
  const mean = sum / count;
  return { mean, deviation: Math.sqrt(Math.max(squares / count - mean ** 2, 1e-6)), low, high };
}

/** Squared error of standardised depths; what is said stays within the range that was learned from. */
export function depthObjective({ mean, deviation, low, high }: DepthRange): DenseObjective<DepthErrors> {
  return {
    outputs: 1,
    gradient: (outputs, truth) => {
      const known = Float32Array.from(truth, (millimetres) => (millimetres > 0 ? 1 : 0));
      const count = known.reduce((sum, one) => sum + one, 0);
      const wanted = Float32Array.from(truth, (millimetres) => (millimetres / 1000 - mean) / deviation);
      const shape = [truth.length, 1, 1];
      return outputs.sub(tensor(wanted, shape)).mul(tensor(known, shape).mul(2 / Math.max(1, count)));
    },
    judge: (outputs, truths) => {
      const metres = metresOf(outputs);
      const size = truths[0]!.length;
      return truths.map((truth, i) => depthErrors(metres.subarray(i * size, (i + 1) * size), truth));
    },
    score: (errors) => -meanOf(errors, "rmse"),
  };

  function metresOf(outputs: Tensor): Float32Array {
    return outputs.mul(deviation).add(mean).clamp(low, high).toFloat32Array();
  }
}

const meanOf = (errors: readonly DepthErrors[], part: keyof DepthErrors): number =>
  errors.reduce((sum, one) => sum + one[part], 0) / errors.length;

function requireKnown(square: ArrayLike<number>, name: string): void {
  for (let i = 0; i < square.length; i++) if (square[i]! > 0) return;
  throw new DreamError("value", {
    operation: `measure depth on ${name}`,
    expected: "pixels of known depth in the square that the model sees",
    got: "none",
    hint: "leave the picture out",
  });
}

export const depthMeasure: Measure = {
  name: "depth",
  title: "Depth by a linear head on frozen tokens (RMSE)",
  unit: "metres",
  better: "lower",
  of: "understanding",
  lacks: ({ data }) => (data.dense?.depth == null ? "pictures with a depth for each pixel" : null),
  run: async (subject) => {
    const { seed, data } = subject;
    const sets = await denseSets(subject, data.dense!.depth!, requireKnown);
    const objective = depthObjective(depthRange(sets.train.truths));
    const { verdicts, rate, sweep } = denseHead(objective, sets.train, sets.test, {
      ...usualDenseHead,
      seed,
    });
    const outcomes = verdicts.map(({ rmse }) => rmse);
    const { mean, low, high } = meanInterval(outcomes);
    const pixels = verdicts.reduce((sum, one) => sum + one.pixels, 0);
    const squares = verdicts.reduce((sum, one) => sum + one.rmse ** 2 * one.pixels, 0);
    return {
      value: mean,
      interval: { low, high },
      samples: outcomes.length,
      outcomes,
      details: {
        absRel: meanOf(verdicts, "absRel"),
        delta: meanOf(verdicts, "delta"),
        rmseOfAllPixels: Math.sqrt(squares / pixels),
        trainPictures: sets.train.truths.length,
        epochs: usualDenseHead.epochs,
        rate,
        sweep: sweep.map((one) => ({ rate: one.rate, rmse: -one.score })),
      },
    };
  },
};
