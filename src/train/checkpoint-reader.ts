/** @file Finding the newest checkpoint that is whole: its size and its checksum are what was written. */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { DreamError } from "../errors.js";
import { openSafetensors, type SafetensorsFile } from "../formats/safetensors.js";
import { checkpointNames, notesFile, stateFile } from "./checkpoint-folder.js";
import { type CheckpointNotes, readNotes } from "./checkpoint-notes.js";

/** A whole checkpoint; its tensors stay on disk until they are asked for. */
export interface SavedCheckpoint {
  readonly path: string;
  readonly notes: CheckpointNotes;
  readonly state: SafetensorsFile;
}

/** A checkpoint that cannot be used. */
export interface DamagedCheckpoint {
  readonly name: string;
  /** What is wrong with it, with the file's path. */
  readonly reason: string;
}

/** What a folder of checkpoints has to offer. */
export interface FoundCheckpoint {
  /** Null where there are none, damaged or whole. */
  readonly newest: SavedCheckpoint | null;
  /** Newer ones. */
  readonly damaged: readonly DamagedCheckpoint[];
}

/**
 * Looks from the newest on for a whole checkpoint. Changes nothing.
 * @param folder of all of a run's checkpoints
 * @throws DreamError `format` where there are some, and none is whole
 */
export async function findCheckpoint(folder: string): Promise<FoundCheckpoint> {
  const damaged: DamagedCheckpoint[] = [];
  for (const name of checkpointNames(folder)) {
    try {
      return { newest: await openCheckpoint(join(folder, name)), damaged };
    } catch (error) {
      if (!(error instanceof DreamError)) throw error;
      damaged.push({ name, reason: error.message });
    }
  }
  if (damaged.length === 0) return { newest: null, damaged };
  throw new DreamError("format", {
    operation: `go on from ${folder}`,
    expected: "a whole checkpoint",
    got: `only damaged ones: ${damaged.map(({ name, reason }) => `${name} (${reason})`).join("; ")}`,
    hint: "bring one back from a copy, or remove the folder to begin anew",
  });
}

/** @throws DreamError `format` or `io`, naming the file that is not what was written */
async function openCheckpoint(path: string): Promise<SavedCheckpoint> {
  const notes = readNotes(join(path, notesFile));
  const statePath = join(path, stateFile);
  const { bytes, sha256 } = notes.state;
  const refuse = (expected: string, got: string): DreamError =>
    new DreamError("format", { operation: `read ${statePath}`, expected, got });
  const found = statSync(statePath, { throwIfNoEntry: false });
  if (found === undefined) throw refuse(`${bytes} bytes`, "no such file");
  if (found.size !== bytes) throw refuse(`${bytes} bytes`, `${found.size}`);
  const sum = await checksum(statePath);
  if (sum !== sha256) throw refuse(`SHA-256 ${sha256.slice(0, 16)}...`, `${sum.slice(0, 16)}...`);
  return { path, notes, state: openSafetensors(statePath) };
}

const pieceBytes = 4 << 20;

/** @throws DreamError `io` where the disk does not give a part of the file */
async function checksum(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    for await (const piece of createReadStream(path, { highWaterMark: pieceBytes }))
      hash.update(piece as Buffer);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, cause });
  }
  return hash.digest("hex");
}
