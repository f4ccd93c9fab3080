/** @file Features of pictures with what they show: what probes and episodes are made of. */
import { DreamError } from "../errors.js";
import type { Pool } from "../models/dream/config.js";
import { scope, type Tensor, tensor } from "../tensor/index.js";
import type { SplitFeatures } from "./shared-features.js";

export interface LabelledFeatures {
  /** float32 [n, D] */
  readonly features: Tensor;
  /** Class of each, from 0. */
  readonly labels: readonly number[];
}

/** @throws DreamError `value` where labels and features do not fit each other or the classes, `non-finite` where a feature is no number */
export function checkLabels({ features, labels }: LabelledFeatures, classes: number, what: string): void {
  const operation = `measure by ${what}`;
  const fail = (expected: string, got: string): DreamError =>
    new DreamError("value", { operation, expected, got });
  if (labels.length !== features.size(0))
    throw fail(`a label for each of ${features.size(0)} pictures`, `${labels.length} labels`);
  if (labels.length === 0) throw fail("at least one picture", "none");
  const outside = labels.findIndex((label) => !Number.isInteger(label) || label < 0 || label >= classes);
  if (outside >= 0) throw fail(`labels from 0 to ${classes - 1}`, `${labels[outside]} of picture ${outside}`);
  checkFinite(features, operation);
}

/** @param features [n, D] @throws DreamError `non-finite`: a comparison with what is no number would count as it pleases */
export function checkFinite(features: Tensor, operation: string): void {
  if (scope(() => features.sum().isfinite().item()) === 0)
    throw new DreamError("non-finite", { operation, expected: "finite features", got: "NaN or infinity" });
}

/**
 * Labels of a split's pictures.
 * @param split the split's name @throws DreamError `value` where a picture has none
 */
export function labelsOf({ labels }: SplitFeatures, split: string, what: string): number[] {
  return labels.map((label, i) => {
    if (label !== null) return label;
    throw new DreamError("value", {
      operation: `measure by ${what}`,
      expected: `a class for each picture of the ${split} split`,
      got: `none for picture ${i}`,
    });
  });
}

/** A split's features by what is pooled. @throws DreamError `value` where a picture has no class */
export function labelledPools(
  features: SplitFeatures,
  split: string,
  what: string,
): Map<Pool, LabelledFeatures> {
  const labels = labelsOf(features, split, what);
  return new Map([...features.pooled].map(([pool, pooled]) => [pool, { features: pooled, labels }]));
}

/** @returns [n, D], the rows at some places */
export const rowsAt = (features: Tensor, places: readonly number[]): Tensor =>
  features.indexSelect(0, tensor(places, [places.length], { dtype: "int64" }));
