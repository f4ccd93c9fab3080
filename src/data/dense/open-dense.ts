/** @file Opens dense data that lie in folders, each task's in its own. */
import { openAde20k } from "./ade20k.js";
import type { DenseData } from "./dense-split.js";
import { openNyuDepth } from "./nyu-depth.js";

/** Folders, or null for a task that is not measured. */
export interface DenseLocations {
  /** ADE20K's. */
  readonly segmentation: string | null;
  /** NYU's. */
  readonly depth: string | null;
}

/** @param limits the most pictures of each split: the first ones @throws DreamError where a folder is not what it should be */
export function openDense(
  { segmentation, depth }: DenseLocations,
  limits: { readonly train: number; readonly test: number },
): DenseData {
  return {
    segmentation: segmentation === null ? null : openAde20k(segmentation, limits),
    depth: depth === null ? null : openNyuDepth(depth, limits),
  };
}
