/** @file The training loop: batches in order, a step each, a line in the journal, checkpoints, and a clean stop when asked. */
import type { BatchOrder } from "../data/order.js";
import type { FeatureBatch, FeatureSource } from "../features/feature-batch.js";
import { scope } from "../tensor/index.js";
import type { CheckpointStore } from "./checkpoint-store.js";
import type { Journal, JournalEntry } from "./journal.js";
import type { Trainer } from "./trainer.js";

/** A run, ready to go. */
export interface TrainingRun {
  readonly trainer: Trainer;
  readonly source: FeatureSource;
  readonly order: BatchOrder;
  readonly journal: Journal;
  readonly firstStep: number;
  readonly stepCount: number;
  /** Where checkpoints go, and how often; no store where another process writes them. */
  readonly checkpoints: { readonly store: CheckpointStore | null; readonly everyMinutes: number };
  /** Told after every step; may be asynchronous (a picture on the way). */
  readonly onStep?: (entry: JournalEntry) => void | Promise<void>;
  /** Stops the run after the step in progress; a checkpoint is written. */
  readonly signal?: AbortSignal;
}

/**
 * Checkpoints are written by the clock, at the end and at a stop; the last one is on the disk when this returns.
 * @returns the step that would come next: `stepCount` unless the run was stopped
 * @throws DreamError `io` where the journal or a checkpoint cannot be written; the checkpoint before it is as it was
 */
export async function train(run: TrainingRun): Promise<number> {
  const { trainer, source, order, journal, stepCount, signal } = run;
  const { store, everyMinutes } = run.checkpoints;
  const ahead = new BatchesAhead(source, order, stepCount);
  let saved = performance.now();
  let step = run.firstStep;
  while (step < stepCount) {
    const started = performance.now();
    const epoch = step / order.stepsPerEpoch;
    const batch = await ahead.take(step);
    const report = scope(() => trainer.step(batch, source.emptyCaption, { step, epoch }));
    disposeBatch(batch);
    const seconds = (performance.now() - started) / 1000;
    const entry = { step, epoch, ...report, seconds, imagesPerSecond: order.batchSize / seconds };
    journal.append(entry);
    await run.onStep?.(entry);
    step++;
    const isLast = step === stepCount || signal?.aborted === true;
    const isTime = performance.now() - saved > 60_000 * everyMinutes && !store?.isWriting;
    store?.check();
    if (isLast || isTime) {
      await store?.save(step);
      saved = performance.now();
    }
    if (isLast) break;
    // Lets signals, timers and the checkpoints' thread be heard in between steps.
    await new Promise((resolve) => setImmediate(resolve));
  }
  ahead.drop();
  await store?.flush();
  return step;
}

/** The next step's batch, whose pictures are read while this step's are learned from. */
class BatchesAhead {
  #coming: { readonly step: number; readonly batch: Promise<FeatureBatch> } | null = null;

  constructor(
    readonly source: FeatureSource,
    readonly order: BatchOrder,
    readonly stepCount: number,
  ) {}

  async take(step: number): Promise<FeatureBatch> {
    const batch = this.#coming?.step === step ? this.#coming.batch : this.#fetch(step);
    this.#coming = null;
    const taken = await batch;
    const next = step + 1;
    if (next < this.stepCount) {
      this.#coming = { step: next, batch: this.#fetch(next) };
      // A failure is told when the batch is taken.
      this.#coming.batch.catch(() => {});
    }
    return taken;
  }

  /** Lets go of what is not taken any more. */
  drop(): void {
    this.#coming?.batch.then(disposeBatch, () => {});
    this.#coming = null;
  }

  async #fetch(step: number): Promise<FeatureBatch> {
    return this.source.batch(this.order.batch(step), step, 0);
  }
}

function disposeBatch(batch: FeatureBatch): void {
  for (const one of [batch.latents, batch.captionIds, batch.captions]) one.dispose();
}
