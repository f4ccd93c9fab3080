/**
 * @file Several systems of a comparison trained at a time, each in a process of its own with its share of the cores: networks this small
 * keep one core busier than two.
 */
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { DreamError } from "../errors.js";
import { threadFile } from "../tensor/index.js";
import type { JournalEntry } from "../train/journal.js";
import type { ThreadedOrder, TrainingOrder, TrainingWord } from "./training-process.js";

/** A system's training: what it is called, and what its process is told. */
export interface Training {
  readonly title: string;
  readonly order: TrainingOrder;
}

export interface TrainingHooks<T extends Training> {
  readonly onStart: (training: T, firstStep: number) => void;
  readonly onStep: (training: T, entry: JournalEntry) => void;
  /** Ends all trainings after the steps under way; what is done is kept. */
  readonly signal: AbortSignal;
}

/**
 * Trains all, as many at a time as there are cores.
 * @returns whether all came to their ends @throws DreamError of the first that failed; the others have saved and ended by then
 */
export async function trainAtOnce<T extends Training>(
  trainings: readonly T[],
  { onStart, onStep, signal }: TrainingHooks<T>,
): Promise<boolean> {
  const failed = new AbortController();
  const hooks = { onStart, onStep, signal: AbortSignal.any([signal, failed.signal]) };
  const atOnce = Math.min(trainings.length, availableParallelism());
  const threads = Math.floor(availableParallelism() / atOnce);
  const waiting = trainings[Symbol.iterator]();
  const oneAfterAnother = async (): Promise<boolean> => {
    // The iterator is shared: whoever is free takes the next.
    for (const training of waiting) {
      if (hooks.signal.aborted) return false;
      try {
        if (!(await trainApart(training, threads, hooks))) return false;
      } catch (error) {
        failed.abort();
        throw error;
      }
    }
    return true;
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, oneAfterAnother));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return ends.every((end) => end.status === "fulfilled" && end.value);
}

/** @returns whether it came to its end */
function trainApart<T extends Training>(
  training: T,
  threads: number,
  { onStart, onStep, signal }: TrainingHooks<T>,
): Promise<boolean> {
  const child = fork(threadFile(import.meta.url, "training-process"));
  const stop = (): void => say(child, "stop");
  signal.addEventListener("abort", stop);
  return new Promise<boolean>((resolve, reject) => {
    let last: TrainingWord | null = null;
    child.on("message", (word: TrainingWord) => {
      last = word;
      if (word.kind === "started") onStart(training, word.firstStep);
      if (word.kind === "step") onStep(training, word.entry);
    });
    child.on("error", reject);
    child.on("close", (code, killedBy) => {
      if (last?.kind === "ended") resolve(last.isTrained);
      else reject(reasonOf(training, last, killedBy ?? `code ${code}`));
    });
    say(child, { ...training.order, threads });
  }).finally(() => signal.removeEventListener("abort", stop));
}

/** One that has ended hears nothing, and needs to hear nothing. */
function say(child: ChildProcess, word: ThreadedOrder | "stop"): void {
  if (child.connected) child.send(word, () => {});
}

function reasonOf({ title }: Training, last: TrainingWord | null, end: string): Error {
  const operation = `train ${title}`;
  if (last?.kind === "failed")
    return last.code === null
      ? new Error(`${operation}: ${last.message}`)
      : new DreamError(last.code, { operation, message: last.message });
  return new DreamError("peer", {
    operation,
    message: `its process ended with ${end} before it was done`,
    hint: "what it saved is kept, and the same command goes on there; the system ends processes where memory is short",
  });
}
