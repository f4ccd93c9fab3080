/**
 * @file The thread that writes checkpoints while training goes on in the main one. It reads the snapshot where it lies, and
 * does everything by itself: the main thread is inside of steps and answers nobody.
 */
import { parentPort, workerData } from "node:worker_threads";
import { DreamError } from "../errors.js";
import type { SafetensorsSource } from "../formats/safetensors.js";
import { type Ticket, takeBytes } from "../tensor/index.js";
import { pruneCheckpoints, writeCheckpoint } from "./checkpoint-folder.js";
import type { RunNotes, RunPlace } from "./checkpoint-notes.js";

/** What the thread is told when it starts. */
export interface WriterStart {
  readonly folder: string;
  /** So many of the last checkpoints stay. */
  readonly kept: number;
  readonly notes: RunNotes;
  readonly state: readonly (Omit<SafetensorsSource, "bytes"> & { readonly ticket: Ticket })[];
}

/** What became of a checkpoint. An error that the system did not report ends the thread. */
export type WriterOutcome =
  | { readonly kind: "written" }
  | { readonly kind: "failed"; readonly message: string; readonly code: string };

async function write({ folder, kept, notes }: WriterStart, place: RunPlace): Promise<WriterOutcome> {
  try {
    await writeCheckpoint(folder, sources, { ...notes, ...place });
    await pruneCheckpoints(folder, kept);
    return { kind: "written" };
  } catch (error) {
    const cause = (error instanceof DreamError ? error.cause : error) as NodeJS.ErrnoException | undefined;
    if (cause?.code === undefined) throw error;
    return { kind: "failed", message: cause.message, code: cause.code };
  }
}

const port = parentPort;
if (port === null) throw new Error("internal: the thread that writes checkpoints was started as a program");
const start = workerData as WriterStart;
const sources = start.state.map(({ ticket, ...source }): SafetensorsSource => {
  const bytes = takeBytes(ticket);
  return { ...source, bytes: () => bytes };
});
port.on("message", async (place: RunPlace) => port.postMessage(await write(start, place)));
