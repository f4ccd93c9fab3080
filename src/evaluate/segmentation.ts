/**
 * @file Segmentation by a linear head on frozen tokens: the mean over classes of intersection over union, counted over the pixels of all test
 * pictures, at the size and in the square that the model sees. Neither the paper nor its release says how it was measured there.
 */
import { ignoredLabel } from "../data/dense/dense-split.js";
import { DreamError } from "../errors.js";
import { type Tensor, tensor, zeros } from "../tensor/index.js";
import { type DenseObjective, denseHead, usualDenseHead } from "./dense-head.js";
import { denseSets } from "./dense-set.js";
import type { Measure } from "./measurement.js";
import { resampledInterval } from "./resampled-interval.js";

/** Pixels of each class, in one picture or many. */
export interface PixelCounts {
  /** Named right. */
  readonly right: Float64Array;
  /** Named so, among the pixels that count. */
  readonly named: Float64Array;
  /** So in truth. */
  readonly true: Float64Array;
}

/** @param named the class of each pixel @param truth the same, {@link ignoredLabel} where none counts */
export function pixelCounts(
  named: ArrayLike<number>,
  truth: ArrayLike<number>,
  classes: number,
): PixelCounts {
  const none = (): Float64Array => new Float64Array(classes);
  const counts = { right: none(), named: none(), true: none() };
  for (let i = 0; i < truth.length; i++) {
    const [is, called] = [truth[i]!, named[i]!];
    if (is === ignoredLabel) continue;
    counts.true[is]!++;
    counts.named[called]!++;
    if (is === called) counts.right[is]!++;
  }
  return counts;
}

export interface Segmentation {
  /** Mean intersection over union of the classes that are in truth or were named, 0..1. */
  readonly meanIou: number;
  /** Share of the pixels that are named right. */
  readonly pixelAccuracy: number;
  /** By class; null for one that is neither in truth nor was named. */
  readonly ious: readonly (number | null)[];
}

/** @param counts at least one */
export function segmentationOf(counts: readonly PixelCounts[]): Segmentation {
  const sum = (part: keyof PixelCounts): Float64Array => {
    const total = new Float64Array(counts[0]![part].length);
    for (const one of counts) for (const [label, count] of one[part].entries()) total[label]! += count;
    return total;
  };
  const [right, named, inTruth] = [sum("right"), sum("named"), sum("true")];
  const ious = [...right].map((hits, label) => {
    const union = named[label]! + inTruth[label]! - hits;
    return union === 0 ? null : hits / union;
  });
  const present = ious.filter((iou) => iou !== null);
  const total = (values: Float64Array): number => values.reduce((all, one) => all + one, 0);
  return {
    meanIou: present.reduce((all, iou) => all + iou, 0) / Math.max(1, present.length),
    pixelAccuracy: total(right) / Math.max(1, total(inTruth)),
    ious,
  };
}

/** Cross-entropy over the pixels that count; judged by {@link segmentationOf}. @param classes K, at most 255 */
export function segmentationObjective(classes: number): DenseObjective<PixelCounts> {
  return {
    outputs: classes,
    gradient: (outputs, truth) => {
      const P = truth.length;
      const at = truth.map((label) => (label === ignoredLabel ? 0 : label));
      const known = Float32Array.from(truth, (label) => (label === ignoredLabel ? 0 : 1));
      const wanted = zeros([P, classes]).scatterValue(1, tensor(at, [P, 1], { dtype: "int64" }), 1);
      const weights = tensor(known, [P, 1, 1]).div(Math.max(1, countOf(known)));
      return outputs.softmax(2).sub(wanted.unsqueeze(1)).mul(weights);
    },
    judge: (outputs, truths) => {
      const named = bytesOf(outputs.argmax(1));
      const size = truths[0]!.length;
      return truths.map((truth, i) => pixelCounts(named.subarray(i * size, (i + 1) * size), truth, classes));
    },
    score: (counts) => segmentationOf(counts).meanIou,
  };
}

const countOf = (flags: Float32Array): number => flags.reduce((sum, one) => sum + one, 0);

const bytesOf = (labels: Tensor): Uint8Array => labels.to({ dtype: "uint8" }).toBytes();

function checkLabels(labels: ArrayLike<number>, classes: number, name: string): void {
  for (let i = 0; i < labels.length; i++)
    if (labels[i]! >= classes && labels[i] !== ignoredLabel)
      throw new DreamError("value", {
        operation: `measure segmentation on ${name}`,
        expected: `classes from 0 to ${classes - 1}`,
        got: String(labels[i]),
      });
}

export const segmentationMeasure: Measure = {
  name: "segmentation",
  title: "Segmentation by a linear head on frozen tokens (mean IoU)",
  unit: "share",
  better: "higher",
  of: "understanding",
  lacks: ({ data }) => (data.dense?.segmentation == null ? "pictures with a class for each pixel" : null),
  run: async (subject) => {
    const { seed, data } = subject;
    const { classes, ...task } = data.dense!.segmentation!;
    const { length: K } = classes;
    const sets = await denseSets(subject, task, (labels, name) => checkLabels(labels, K, name));
    const objective = segmentationObjective(K);
    const { verdicts, rate, sweep } = denseHead(objective, sets.train, sets.test, {
      ...usualDenseHead,
      seed,
    });
    const { meanIou, pixelAccuracy, ious } = segmentationOf(verdicts);
    return {
      value: meanIou,
      interval: resampledInterval(verdicts, (some) => segmentationOf(some).meanIou, seed),
      samples: verdicts.length,
      // No mean over pictures: classes are.
      outcomes: null,
      details: {
        pixelAccuracy,
        ious: Object.fromEntries(classes.map((name, label) => [name, ious[label] ?? null])),
        trainPictures: sets.train.truths.length,
        epochs: usualDenseHead.epochs,
        rate,
        sweep: sweep.map((one) => ({ ...one })),
      },
    };
  },
};
