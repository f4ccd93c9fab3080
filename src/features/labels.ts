/** @file Classes of pictures as a tensor, where all of them are known. */
import { type Tensor, tensor } from "../tensor/index.js";

/** @param labels from 0, or null where a picture's is not known @returns int64 [B]; undefined where some are not known */
export function classesOf(labels: readonly (number | null)[]): Tensor | undefined {
  if (labels.includes(null)) return undefined;
  return tensor(labels as readonly number[], [labels.length], { dtype: "int64" });
}
