/** @file The training loop: batches in order, a step each, a line in the journal, checkpoints, and a clean stop when asked. */
import type { BatchOrder } from "../data/order.js";
import { DreamError } from "../errors.js";
import type { FeatureBatch, FeatureSource } from "../features/feature-batch.js";
import { writeState } from "../nn/index.js";
import { scope } from "../tensor/index.js";
import { type Ceiling, ceilingShare } from "./ceiling.js";
import { stateOf } from "./checkpoint.js";
import type { CheckpointStore } from "./checkpoint-store.js";
import type { StepPlace } from "./drawn-step.js";
import type { Journal, JournalEntry } from "./journal.js";
import { keepNonFinite, NonFiniteLoss } from "./non-finite.js";
import { learningRateAt } from "./schedules.js";
import type { StepReport, Trainer } from "./trainer.js";

/** A run, ready to go. */
export interface TrainingRun {
  readonly trainer: Trainer;
  readonly source: FeatureSource;
  readonly order: BatchOrder;
  /** Null where another process writes it. */
  readonly journal: Journal | null;
  readonly firstStep: number;
  readonly stepCount: number;
  /** Where checkpoints go, and how often; no store where another process writes them. */
  readonly checkpoints: { readonly store: CheckpointStore | null; readonly everyMinutes: number };
  /** Where a step that cannot be gone on with leaves what it was made of; null where another process does. */
  readonly nonFiniteFolder: string | null;
  /** What steps are measured by, where it is known. */
  readonly ceiling: Ceiling | null;
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
  const { trainer, order, journal, stepCount, signal } = run;
  const { store, everyMinutes } = run.checkpoints;
  const ahead = new BatchesAhead(run);
  let saved = performance.now();
  let step = run.firstStep;
  while (step < stepCount) {
    const started = performance.now();
    const epoch = step / order.stepsPerEpoch;
    const batch = await ahead.take(step);
    const report = await takeStep(run, batch, { step, epoch });
    disposeBatch(batch);
    const seconds = (performance.now() - started) / 1000;
    const entry = {
      step,
      epoch,
      ...report,
      seconds,
      imagesPerSecond: order.batchSize / seconds,
      ceilingShare: ceilingShare(run.ceiling, report, seconds),
    };
    journal?.append(entry);
    await run.onStep?.(entry);
    step++;
    // One that was told to stop stops all.
    const isLast = trainer.team.any(signal?.aborted === true) || step === stepCount;
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

/**
 * @throws DreamError `non-finite` where losses are no numbers; it says where the step's makings are kept. In the other processes `peer`,
 *   once they are: nobody's end cuts the writing short.
 */
async function takeStep(
  { trainer, source, order, stepCount, nonFiniteFolder }: TrainingRun,
  batch: FeatureBatch,
  place: StepPlace,
): Promise<StepReport> {
  const { step, epoch } = place;
  const following = step + 1;
  const next = following < stepCount ? { step: following, epoch: following / order.stepsPerEpoch } : null;
  try {
    return scope(() => trainer.step(batch, source.emptyCaption, place, next));
  } catch (error) {
    if (!(error instanceof NonFiniteLoss)) throw error;
    if (nonFiniteFolder === null) {
      trainer.team.any(true);
      throw new DreamError("peer", {
        operation: `training step ${step}`,
        message: "another process keeps what the step was made of, whose losses are not finite",
        hint: "look at what that process said",
        cause: error,
      });
    }
    const numbers = order.batch(step);
    const keys = source.keysOf(numbers);
    const samples = numbers.map((number, i) => ({ number, key: keys[i]! }));
    const learningRate = learningRateAt(trainer.config.learningRate, epoch);
    const counts = { step: String(step), optimiserSteps: String(trainer.optimiser.stepCount) };
    const told = await keepNonFinite(nonFiniteFolder, error, { step, learningRate, samples }, (path) =>
      writeState(path, stateOf(trainer), counts),
    );
    trainer.team.any(true);
    throw told;
  }
}

/** The next step's batch, whose pictures are read while this step's are learned from. */
class BatchesAhead {
  #coming: { readonly step: number; readonly batch: Promise<FeatureBatch> } | null = null;

  constructor(readonly run: Pick<TrainingRun, "trainer" | "source" | "order" | "stepCount">) {}

  async take(step: number): Promise<FeatureBatch> {
    const batch = this.#coming?.step === step ? this.#coming.batch : this.#fetch(step);
    this.#coming = null;
    const taken = await batch;
    const next = step + 1;
    if (next < this.run.stepCount) {
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
    const { trainer, source, order } = this.run;
    const { firstPlace, count } = trainer.part;
    return source.batch(order.batch(step).slice(firstPlace, firstPlace + count), step, firstPlace);
  }
}

function disposeBatch(batch: FeatureBatch): void {
  for (const one of Object.values(batch)) one?.dispose();
}
