/** @file The program's side of its one engine thread: it begins with the first model, and ends with the last. */
import { Worker } from "node:worker_threads";
import { DreamError } from "../errors.js";
import type { OnDownload } from "../hub/resolve-model.js";
import { threadFile } from "../tensor/index.js";
import type {
  DrawingProgress,
  DrawOrder,
  EngineStatistics,
  LoadedModel,
  LoadOrder,
  Nearest,
  Order,
  Report,
  Task,
} from "./protocol.js";
import { unpackError } from "./travelling-error.js";

/** Something that was asked for. */
interface Asked {
  readonly onDone: (result: unknown) => void;
  readonly onFailed: (error: Error) => void;
  readonly onReport: (report: Extract<Report, { kind: "progress" | "download" }>) => void;
}

export class EngineThread {
  readonly #worker: Worker;
  readonly #asked = new Map<number, Asked>();
  #nextId = 1;
  #ended: Error | null = null;

  constructor() {
    // Node's own options are the program's, and some of them a thread does not take.
    this.#worker = new Worker(threadFile(import.meta.url, "engine-worker"), { execArgv: [] });
    this.#worker.on("message", (report: Report) => this.#read(report));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", (code) =>
      this.#end(
        new DreamError("engine", {
          operation: "use the engine",
          expected: "its thread to go on",
          got: `its end with code ${code}`,
        }),
      ),
    );
    // A thread that nobody waits for keeps no program running.
    this.#worker.unref();
  }

  /** Whether it can be asked. */
  get isAlive(): boolean {
    return this.#ended === null;
  }

  /** @throws DreamError where the model cannot be loaded; what the signal was aborted with */
  load(order: LoadOrder, onDownload: OnDownload, signal: AbortSignal | null): Promise<LoadedModel> {
    const onReport: Asked["onReport"] = (report) => {
      if (report.kind === "download") onDownload(report);
    };
    return this.#wait({ kind: "load", ...order }, signal, onReport) as Promise<LoadedModel>;
  }

  /** @throws what the signal was aborted with, or DreamError */
  async *draw(
    model: number,
    order: DrawOrder,
    signal: AbortSignal | null,
  ): AsyncGenerator<DrawingProgress, void> {
    signal?.throwIfAborted();
    const events: DrawingProgress[] = [];
    let wake = (): void => {};
    let over = false;
    const asked = this.#ask({ kind: "draw", model, ...order }, (report) => {
      if (report.kind !== "progress") return;
      events.push(report.progress);
      wake();
    });
    const stop = (): void => this.#cancel(asked.id, signal!.reason);
    signal?.addEventListener("abort", stop, { once: true });
    const ended = asked.result.finally(() => {
      over = true;
      wake();
    });
    // Its failure is told below.
    ended.catch(() => {});
    try {
      while (!over || events.length > 0) {
        const next = events.shift();
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      await ended;
    } finally {
      signal?.removeEventListener("abort", stop);
      if (!over) this.#cancel(asked.id, new Error("internal: nobody listens any more"));
    }
  }

  embedTexts(model: number, texts: readonly string[], signal: AbortSignal | null): Promise<number[][]> {
    return this.#wait({ kind: "embed-texts", model, texts }, signal) as Promise<number[][]>;
  }

  embedPictures(
    model: number,
    pictures: Extract<Task, { kind: "embed-pictures" }>["pictures"],
    signal: AbortSignal | null,
  ): Promise<number[][]> {
    return this.#wait({ kind: "embed-pictures", model, pictures }, signal) as Promise<number[][]>;
  }

  countWords(model: number, texts: readonly string[]): Promise<number[]> {
    return this.#ask({ kind: "count-words", model, texts }).result as Promise<number[]>;
  }

  /** @returns their number in the thread */
  keepVectors(rows: Float32Array, width: number): Promise<number> {
    return this.#ask({ kind: "keep-vectors", rows, width }).result as Promise<number>;
  }

  nearest(vectors: number, query: Float32Array, count: number): Promise<Nearest[]> {
    return this.#ask({ kind: "nearest", vectors, query, count }).result as Promise<Nearest[]>;
  }

  async dropVectors(vectors: number): Promise<void> {
    if (this.isAlive) await this.#ask({ kind: "drop-vectors", vectors }).result;
  }

  statistics(): Promise<EngineStatistics> {
    return this.#ask({ kind: "statistics" }).result as Promise<EngineStatistics>;
  }

  async unload(model: number): Promise<void> {
    await this.#ask({ kind: "unload", model }).result;
  }

  /** Ends the thread, and frees what it held. */
  async end(): Promise<void> {
    this.#end(
      new DreamError("usage", {
        operation: "use the engine",
        expected: "a model that is loaded",
        got: "none any more",
      }),
    );
    await this.#worker.terminate();
  }

  async #wait(task: Task, signal: AbortSignal | null, onReport?: Asked["onReport"]): Promise<unknown> {
    signal?.throwIfAborted();
    const asked = this.#ask(task, onReport);
    const stop = (): void => this.#cancel(asked.id, signal!.reason);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return await asked.result;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  #ask(
    task: Task,
    onReport: Asked["onReport"] = () => {},
  ): { readonly id: number; readonly result: Promise<unknown> } {
    const id = this.#nextId++;
    const result = new Promise<unknown>((onDone, onFailed) => {
      if (this.#ended !== null) return onFailed(this.#ended);
      this.#asked.set(id, { onDone, onFailed, onReport });
      this.#worker.ref();
      this.#worker.postMessage({ id, task } satisfies Order);
    });
    return { id, result };
  }

  #cancel(id: number, reason: unknown): void {
    const asked = this.#take(id);
    if (asked === undefined) return;
    this.#worker.postMessage({ id, task: { kind: "cancel" } } satisfies Order);
    asked.onFailed(reason as Error);
  }

  #read(report: Report): void {
    switch (report.kind) {
      case "progress":
      case "download":
        this.#asked.get(report.id)?.onReport(report);
        break;
      case "done":
        this.#take(report.id)?.onDone(report.result);
        break;
      case "failed":
        this.#take(report.id)?.onFailed(unpackError(report.error));
        break;
      default:
        throw new Error(`internal: no report ${JSON.stringify(report satisfies never)}`);
    }
  }

  #take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (this.#asked.size === 0) this.#worker.unref();
    return asked;
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { onFailed } of this.#asked.values()) onFailed(error);
    this.#asked.clear();
  }
}

/** The program's thread, and the models that it has. */
let shared: { readonly thread: EngineThread; models: number } | null = null;

/** The thread for one more model; all models of a program share it, and with it the processor's cores. */
export function enterEngine(): EngineThread {
  if (shared === null || !shared.thread.isAlive) shared = { thread: new EngineThread(), models: 0 };
  shared.models++;
  return shared.thread;
}

/** A model is no more; the last one takes the thread with it. */
export async function leaveEngine(thread: EngineThread): Promise<void> {
  if (shared?.thread !== thread || --shared.models > 0) return;
  shared = null;
  await thread.end();
}
