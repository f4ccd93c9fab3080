/** @file The loader's threads: jobs go to whichever is free, a bounded number at a time, and a thread's end is an error. */
import { Worker } from "node:worker_threads";
import { threadFile } from "../tensor/threads.js";
import type { Job, Outcome, WorkerStart } from "./loader-worker.js";
import type { SampleReference } from "./sample.js";
import type { View } from "./view.js";

/** Jobs that a thread holds: the one that it works on, and the next, so that it never waits. */
const heldJobs = 2;

interface Waiting {
  readonly job: Job;
  /** The one thread that may do it, or null. */
  readonly thread: number | null;
  readonly settle: (outcome: Outcome) => void;
  readonly fail: (reason: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly held: Map<number, Waiting>;
}

export class LoaderThreads {
  readonly #threads: readonly Thread[];
  readonly #queue: Waiting[] = [];
  /** Each job's end, however it ends. */
  readonly #running = new Set<Promise<void>>();
  #nextId = 0;
  #failure: Error | null = null;

  constructor(count: number, start: WorkerStart) {
    this.#threads = Array.from({ length: count }, () => {
      // Node's own options are the program's, and some of them a thread does not take.
      const worker = new Worker(threadFile(import.meta.url, "loader-worker"), {
        workerData: start,
        execArgv: [],
      });
      const thread: Thread = { worker, held: new Map() };
      worker.on("message", (outcome: Outcome) => this.#settle(thread, outcome));
      worker.on("error", (error) => this.#fail(error));
      worker.on("exit", (code) =>
        this.#fail(new Error(`internal: a loading thread ended with code ${code}`)),
      );
      return thread;
    });
  }

  /** Does one job. Rows of one row group go to one thread, which keeps their page. */
  run(reference: SampleReference, view: View): Promise<Outcome> {
    const outcome = new Promise<Outcome>((settle, fail) => {
      if (this.#failure !== null) return fail(this.#failure);
      const thread = reference.kind === "row" ? reference.rowGroup % this.#threads.length : null;
      this.#queue.push({ job: { id: this.#nextId++, reference, view }, thread, settle, fail });
      this.#hand();
    });
    const done = outcome.then(
      () => {},
      () => {},
    );
    this.#running.add(done);
    void done.then(() => this.#running.delete(done));
    return outcome;
  }

  /** Takes no more jobs, waits for those that were taken, and ends the threads. */
  async close(): Promise<void> {
    this.#failure ??= new Error("internal: the loader is closed");
    await Promise.all(this.#running);
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #hand(): void {
    for (const [number, { worker, held }] of this.#threads.entries())
      while (held.size < heldJobs) {
        const at = this.#queue.findIndex(({ thread }) => thread === null || thread === number);
        if (at < 0) break;
        const [waiting] = this.#queue.splice(at, 1) as [Waiting];
        held.set(waiting.job.id, waiting);
        worker.postMessage(waiting.job);
      }
  }

  #settle({ held }: Thread, outcome: Outcome): void {
    const waiting = held.get(outcome.id);
    held.delete(outcome.id);
    this.#hand();
    waiting?.settle(outcome);
  }

  /** A thread that ends takes all work with it: nobody knows what it would have given. */
  #fail(error: Error): void {
    this.#failure ??= error;
    const lost = [...this.#queue.splice(0), ...this.#threads.flatMap(({ held }) => [...held.values()])];
    for (const { held } of this.#threads) held.clear();
    for (const { fail } of lost) fail(error);
  }
}
