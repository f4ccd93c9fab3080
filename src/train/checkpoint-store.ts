/**
 * @file The checkpoints of a run under way. Training pauses while its state is copied in memory; a thread of its own writes the copy to disk
 * while training goes on.
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { writeFailure } from "../formats/atomic.js";
import { sourcesOf } from "../nn/index.js";
import { shareBytes, threadFile } from "../tensor/index.js";
import { stateOf } from "./checkpoint.js";
import { checkpointName } from "./checkpoint-folder.js";
import type { RunNotes, RunPlace } from "./checkpoint-notes.js";
import type { WriterOutcome, WriterStart } from "./checkpoint-worker.js";
import { Snapshot } from "./snapshot.js";
import type { Trainer } from "./trainer.js";

export interface StoreOptions {
  /** Of all of the run's checkpoints. */
  readonly folder: string;
  /** So many of the last checkpoints stay. */
  readonly kept: number;
  readonly notes: RunNotes;
}

/** A checkpoint on its way to the disk. */
interface Writing {
  readonly done: Promise<void>;
  readonly settle: () => void;
}

/** The one writer of a run's checkpoints. */
export class CheckpointStore {
  readonly #trainer: Trainer;
  readonly #folder: string;
  readonly #snapshot: Snapshot;
  readonly #worker: Worker;
  #writing: Writing | null = null;
  #place: RunPlace | null = null;
  #failure: unknown = null;

  /** Takes memory for a copy of the state, and starts the thread. */
  constructor(trainer: Trainer, { folder, kept, notes }: StoreOptions) {
    this.#trainer = trainer;
    this.#folder = folder;
    this.#snapshot = new Snapshot(stateOf(trainer));
    const { copies } = this.#snapshot;
    const state = sourcesOf(copies).map(({ name, dtype, shape }, i) => {
      return { name, dtype, shape, ticket: shareBytes(copies[i]![1]) };
    });
    const start: WriterStart = { folder, kept, notes, state };
    // Node's own options are the program's, and some of them a thread does not take.
    this.#worker = new Worker(threadFile(import.meta.url, "checkpoint-worker"), {
      workerData: start,
      execArgv: [],
    });
    this.#worker.on("message", (outcome: WriterOutcome) => this.#told(outcome));
    this.#worker.on("error", (error) => this.#ended(error));
    this.#worker.on("exit", () =>
      this.#ended(new Error("internal: the thread that writes checkpoints ended")),
    );
  }

  /** Whether the last checkpoint is still on its way; another would have to wait for it. */
  get isWriting(): boolean {
    return this.#writing !== null;
  }

  /**
   * Copies the state, and lets it be written. Waits before that for the one on its way.
   * @param step the step that comes next
   * @throws DreamError `io` as {@link check}
   */
  async save(step: number): Promise<void> {
    await this.flush();
    this.#snapshot.take();
    this.#place = { step, optimiserSteps: this.#trainer.optimiser.stepCount };
    let settle = (): void => {};
    const done = new Promise<void>((resolve) => {
      settle = resolve;
    });
    this.#writing = { done, settle };
    this.#worker.postMessage(this.#place);
  }

  /** @throws DreamError `io` where a checkpoint could not be written (a full disk); those before it are as they were */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Waits until everything is on disk. @throws DreamError `io` as {@link check} */
  async flush(): Promise<void> {
    await this.#writing?.done;
    this.check();
  }

  /** Waits for the checkpoint on its way, whatever becomes of it, ends the thread, and lets go of the memory. */
  async close(): Promise<void> {
    await this.#writing?.done;
    await this.#worker.terminate();
    this.#snapshot.dispose();
  }

  #told(outcome: WriterOutcome): void {
    if (outcome.kind === "failed") {
      const { message, code } = outcome;
      const cause = Object.assign(new Error(message), { code });
      this.#failure = writeFailure(join(this.#folder, checkpointName(this.#place!.step)), cause);
    }
    this.#settle();
  }

  /** Nobody writes any more. */
  #ended(error: Error): void {
    this.#failure ??= error;
    this.#settle();
  }

  #settle(): void {
    this.#writing?.settle();
    this.#writing = null;
  }
}
