/**
 * @file How a step's batch is shared among processes, and within one among rounds. Every sample belongs to a mask group; a share is
 * one or more whole groups, or an equal part of one. So P processes with G groups take the step of one process with P x G.
 */
import { DreamError } from "../errors.js";

/** Samples that stand beside one another in the step's batch and belong to one mask group. */
export interface Share {
  readonly group: number;
  readonly firstPlace: number;
  readonly count: number;
}

export interface Sharing {
  /** Samples of a step, over all processes. */
  readonly batchSize: number;
  /** Mask groups of a step, over all processes. */
  readonly maskGroups: number;
  readonly processes: number;
  /** In which each process takes its part. */
  readonly rounds: number;
}

/**
 * All shares of a step, in order of place. Process p takes the p-th of as many equal runs of them, and its rounds are runs of these.
 * @throws DreamError `value` where the batch cannot be shared equally
 */
export function sharesOf(sharing: Sharing): Share[] {
  const { batchSize, maskGroups, processes, rounds } = sharing;
  const takers = processes * rounds;
  const shares = Math.max(maskGroups, takers);
  if (!canShare(sharing))
    throw new DreamError("value", {
      operation: "share a step's batch",
      expected: `a batchSize that is a multiple of ${shares}, and maskGroups that ${takers} (processes x accumulation) divides or is divided by`,
      got: `batchSize ${batchSize}, maskGroups ${maskGroups}, ${processes} processes, accumulation ${rounds}`,
    });
  const count = batchSize / shares;
  return Array.from({ length: shares }, (_, share) => ({
    group: Math.floor((share * maskGroups) / shares),
    firstPlace: share * count,
    count,
  }));
}

/** Whether every process and round takes equally many samples, of whole groups or of parts of one. */
export function canShare({ batchSize, maskGroups, processes, rounds }: Sharing): boolean {
  const takers = processes * rounds;
  const shares = Math.max(maskGroups, takers);
  return shares % maskGroups === 0 && shares % takers === 0 && batchSize % shares === 0;
}

/** The n-th of `parts` equal runs of a list. */
export function runOf<T>(list: readonly T[], n: number, parts: number): T[] {
  const length = list.length / parts;
  return list.slice(n * length, (n + 1) * length);
}
