/** @file The samples that drawings were made for: their captions, their truths, and the pictures that drawings are held against. */
import type { Sample } from "../data/sample.js";
import { DreamError } from "../errors.js";
import type { PictureSplit } from "./splits.js";
import type { DrawnSample } from "./subject.js";

/**
 * @param drawn for samples that follow one another in the split
 * @returns one for each, in their order
 * @throws DreamError `value` where drawings are of no such samples, or there are none
 */
export async function samplesOf(
  split: PictureSplit,
  drawn: readonly DrawnSample[],
): Promise<readonly Sample[]> {
  const first = drawn[0]?.number ?? 0;
  const fail = (expected: string, got: string): DreamError =>
    new DreamError("value", { operation: "measure drawings", expected, got });
  if (drawn.length === 0) throw fail("at least one drawing", "none");
  const strange = drawn.find(({ number }, i) => number !== first + i);
  if (strange !== undefined) throw fail("drawings in the order of their samples", `number ${strange.number}`);
  const end = first + drawn.length;
  if (first < 0 || end > split.count)
    throw fail(`drawings of the ${split.count} samples of ${split.name}`, `numbers ${first} to ${end - 1}`);
  return split.read(first, drawn.length);
}
