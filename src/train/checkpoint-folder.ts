/**
 * @file A run's checkpoints as they lie on disk: `step-00000150/` with its state and what is known of it. Each is written beside its place
 * and renamed when it is whole and on the disk; the last few stay. `latest` is a link for people: nothing here trusts it.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, open, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { DreamError } from "../errors.js";
import { writeAtomically, writeFailure } from "../formats/atomic.js";
import { type SafetensorsSource, writeSafetensors } from "../formats/safetensors.js";
import type { CheckpointNotes, RunNotes, RunPlace } from "./checkpoint-notes.js";

/** The files of a checkpoint. */
export const stateFile = "state.safetensors";
export const notesFile = "checkpoint.json";

const partialPattern = /^\.(step-\d+|latest)\.partial$/;
const partialOf = (name: string): string => `.${name}.partial`;

/** The folder of a checkpoint below that of all. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

/** The checkpoints' names that are there, whole or damaged, the newest first. */
export function checkpointNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const stepOf = (name: string): number => Number(/^step-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
  return readdirSync(folder)
    .filter((name) => !Number.isNaN(stepOf(name)))
    .sort((a, b) => stepOf(b) - stepOf(a));
}

/**
 * Writes a checkpoint: whole or not at all, whenever the process or the machine ends.
 * @param folder of all of the run's checkpoints
 * @throws DreamError `io` naming the checkpoint and the reason (no space, no permission); those before it are as they were
 */
export async function writeCheckpoint(
  folder: string,
  sources: readonly SafetensorsSource[],
  { step, optimiserSteps, recipeHash, processes, recipe }: RunNotes & RunPlace,
): Promise<void> {
  const name = checkpointName(step);
  const partial = join(folder, partialOf(name));
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    const state = await writeSummed(join(partial, stateFile), sources);
    const writtenAt = new Date().toISOString();
    const notes: CheckpointNotes = {
      step,
      optimiserSteps,
      recipeHash,
      processes,
      state,
      writtenAt,
      recipe,
    };
    const text = `${JSON.stringify(notes, null, 2)}\n`;
    await writeAtomically(join(partial, notesFile), (file) => file.writeFile(text));
    await flushFolder(partial);
    await rename(partial, join(folder, name));
    await flushFolder(folder);
    await pointTo(folder, name);
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
    const cause = error instanceof DreamError ? error.cause : error;
    if ((cause as NodeJS.ErrnoException | undefined)?.code === undefined) throw error;
    throw writeFailure(join(folder, name), cause);
  }
}

/** @returns what tells later whether the file is whole, taken from what was to be written and not from the disk */
async function writeSummed(
  path: string,
  sources: readonly SafetensorsSource[],
): Promise<CheckpointNotes["state"]> {
  const hash = createHash("sha256");
  let bytes = 0;
  await writeSafetensors(path, sources, {}, (piece) => {
    hash.update(piece);
    bytes += piece.length;
  });
  return { bytes, sha256: hash.digest("hex") };
}

/** Makes `latest` name a checkpoint. */
async function pointTo(folder: string, name: string): Promise<void> {
  const partial = join(folder, partialOf("latest"));
  await rm(partial, { force: true });
  await symlink(name, partial);
  await rename(partial, join(folder, "latest"));
}

/** Removes all but the newest checkpoints. */
export async function pruneCheckpoints(folder: string, kept: number): Promise<void> {
  for (const name of checkpointNames(folder).slice(kept)) {
    // Under the other name a half-removed one is taken for no checkpoint.
    const partial = join(folder, partialOf(name));
    await rename(join(folder, name), partial);
    await rm(partial, { recursive: true });
  }
}

/** Removes what a writer or a remover left when it was interrupted. For the run's one writer, before it begins. */
export async function cleanCheckpoints(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (partialPattern.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}

/** Gives a damaged checkpoint another name, so that it neither counts nor stands in the way. @returns that name */
export async function setAside(folder: string, name: string): Promise<string> {
  const aside = `damaged-${name}`;
  await rm(join(folder, aside), { recursive: true, force: true });
  await rename(join(folder, name), join(folder, aside));
  return aside;
}

/** What was renamed in a folder, or into it, stays so from then on. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
