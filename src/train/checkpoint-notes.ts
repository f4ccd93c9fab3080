/** @file `checkpoint.json`: what is known of a checkpoint's state beside its tensors, and what tells whether that state is whole. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { DreamError } from "../errors.js";

const count = z.int().min(0);

const notesSchema = z.object({
  /** The step that comes next: so many were taken. */
  step: count,
  /** Steps that the optimiser took. */
  optimiserSteps: count,
  recipeHash: z.string(),
  /** That trained together. */
  processes: z.int().min(1),
  /** Of the state's file. */
  state: z.object({ bytes: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  writtenAt: z.iso.datetime(),
  /** Whole, so that a checkpoint can be understood without its run. */
  recipe: z.record(z.string(), z.unknown()),
});

export type CheckpointNotes = z.infer<typeof notesSchema>;

/** What stays the same for all checkpoints of a run. */
export type RunNotes = Pick<CheckpointNotes, "recipe" | "recipeHash" | "processes">;

/** Where a run is. */
export type RunPlace = Pick<CheckpointNotes, "step" | "optimiserSteps">;

/** @throws DreamError `format` where the file is missing or is not what it should be */
export function readNotes(path: string): CheckpointNotes {
  const refuse = (message: string, cause: unknown): DreamError =>
    new DreamError("format", { operation: `read ${path}`, message, cause });
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const parsed = notesSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw refuse(z.prettifyError(parsed.error), parsed.error);
}
