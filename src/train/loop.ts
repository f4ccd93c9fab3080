/** @file The training loop: batches in order, a step each, a line in the journal, checkpoints, and a clean stop when asked. */
import type { BatchOrder } from "../data/order.js";
import type { FeatureSource } from "../features/feature-batch.js";
import { scope } from "../tensor/index.js";
import { saveCheckpoint } from "./checkpoint.js";
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
  readonly checkpoint: { readonly path: string; readonly everySteps: number; readonly recipeHash: string };
  /** Told after every step; may be asynchronous (a picture on the way). */
  readonly onStep?: (entry: JournalEntry) => void | Promise<void>;
  /** Stops the run after the step in progress; a checkpoint is written. */
  readonly signal?: AbortSignal;
}

/** @returns the step that would come next: `stepCount` unless the run was stopped */
export async function train(run: TrainingRun): Promise<number> {
  const { trainer, source, order, journal, checkpoint, stepCount, signal } = run;
  const save = (step: number): Promise<void> =>
    saveCheckpoint(checkpoint.path, trainer, step, checkpoint.recipeHash);
  for (let step = run.firstStep; step < stepCount; step++) {
    const started = performance.now();
    const epoch = step / order.stepsPerEpoch;
    const report = scope(() => trainer.step(source.batch(order.batch(step)), source.emptyCaption, epoch));
    const seconds = (performance.now() - started) / 1000;
    const entry = { step, epoch, ...report, seconds, imagesPerSecond: order.batchSize / seconds };
    journal.append(entry);
    await run.onStep?.(entry);
    const next = step + 1;
    if (signal?.aborted) {
      await save(next);
      return next;
    }
    if (next % checkpoint.everySteps === 0 || next === stepCount) await save(next);
    // Lets signals and timers in between steps.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return stepCount;
}
