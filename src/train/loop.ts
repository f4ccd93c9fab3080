/** @file The training loop: batches in order, a step each, a line in the journal, checkpoints, and a clean stop when asked. */
import type { BatchOrder } from "../data/order.js";
import type { FeatureBatch, FeatureSource } from "../features/feature-batch.js";
import { scope } from "../tensor/index.js";
import { type Ceiling, ceilingShare } from "./ceiling.js";
import { saveCheckpoint } from "./checkpoint.js";
import type { Journal, JournalEntry } from "./journal.js";
import { keepNonFinite, NonFiniteLoss } from "./non-finite.js";
import { learningRateAt } from "./schedules.js";
import type { StepReport, Trainer } from "./trainer.js";

/** A run, ready to go. */
export interface TrainingRun {
  readonly trainer: Trainer;
  readonly source: FeatureSource;
  readonly order: BatchOrder;
  readonly journal: Journal;
  readonly firstStep: number;
  readonly stepCount: number;
  readonly checkpoint: { readonly path: string; readonly everyMinutes: number; readonly recipeHash: string };
  /** Where a step that cannot be gone on with leaves what it was made of. */
  readonly nonFiniteFolder: string;
  /** What steps are measured by, where it is known. */
  readonly ceiling: Ceiling | null;
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
  const ahead = new BatchesAhead(source, order, stepCount);
  let saved = performance.now();
  for (let step = run.firstStep; step < stepCount; step++) {
    const started = performance.now();
    const epoch = step / order.stepsPerEpoch;
    const batch = await ahead.take(step);
    const report = await takeStep(run, batch, step, epoch);
    disposeBatch(batch);
    const seconds = (performance.now() - started) / 1000;
    const entry = {
      step,
      epoch,
      ...report,
      seconds,
      imagesPerSecond: order.batchSize / seconds,
      ceilingShare: ceilingShare(run.ceiling, report.maskRatio, seconds),
    };
    journal.append(entry);
    await run.onStep?.(entry);
    const next = step + 1;
    if (signal?.aborted) {
      ahead.drop();
      await save(next);
      return next;
    }
    if (performance.now() - saved > 60_000 * checkpoint.everyMinutes || next === stepCount) {
      await save(next);
      saved = performance.now();
    }
    // Lets signals and timers in between steps.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return stepCount;
}

/** @throws DreamError `non-finite` where losses are no numbers; it says where the step's makings are kept */
async function takeStep(
  { trainer, source, order, nonFiniteFolder, checkpoint }: TrainingRun,
  batch: FeatureBatch,
  step: number,
  epoch: number,
): Promise<StepReport> {
  try {
    return scope(() => trainer.step(batch, source.emptyCaption, epoch));
  } catch (error) {
    if (!(error instanceof NonFiniteLoss)) throw error;
    const numbers = order.batch(step);
    const keys = source.keysOf(numbers);
    const samples = numbers.map((number, i) => ({ number, key: keys[i]! }));
    const learningRate = learningRateAt(trainer.config.learningRate, epoch);
    throw await keepNonFinite(nonFiniteFolder, error, { step, learningRate, samples }, (path) =>
      saveCheckpoint(path, trainer, step, checkpoint.recipeHash),
    );
  }
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
    return this.source.batch(this.order.batch(step), step);
  }
}

function disposeBatch(batch: FeatureBatch): void {
  for (const one of [batch.latents, batch.captionIds, batch.captions]) one.dispose();
}
