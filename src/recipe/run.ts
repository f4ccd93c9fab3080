/** @file A recipe's run from its data on: a fresh or resumed trainer, the loop, and the model left for drawing. */
import { join } from "node:path";
import { stringify } from "yaml";
import { BatchOrder } from "../data/order.js";
import type { FeatureSource } from "../features/feature-batch.js";
import { removeHalfWritten } from "../formats/atomic.js";
import { DreamModel } from "../models/dream/dream.js";
import { initialise } from "../models/dream/initialise.js";
import { loadState, writeState } from "../nn/index.js";
import { type Device, Generator, hasFastBfloat16, type ProcessGroup } from "../tensor/index.js";
import type { Ceiling } from "../train/ceiling.js";
import { loadCheckpoint, shareState } from "../train/checkpoint.js";
import { cleanCheckpoints } from "../train/checkpoint-folder.js";
import type { DamagedCheckpoint } from "../train/checkpoint-reader.js";
import { CheckpointStore } from "../train/checkpoint-store.js";
import { Journal, type JournalEntry } from "../train/journal.js";
import { type TrainingRun, train } from "../train/loop.js";
import { Alone, TeamMember } from "../train/team.js";
import { Trainer } from "../train/trainer.js";
import { TrainingBoard } from "../train/training-board.js";
import { describeModel } from "./model-description.js";
import { saveModel, type TrainedModel, weightsMetadata, weightsOf } from "./model-folder.js";
import { checkParts, type Parts, saveParts } from "./parts.js";
import { modelConfigFor, type Recipe, stepsOf } from "./recipe.js";
import { notesOf, resumption } from "./resume.js";
import { checkpointsFolder, writeRecipe } from "./saved-run.js";

/** What a run learns from. */
export interface RunData extends Parts {
  readonly train: FeatureSource;
}

/** How a run begins: on what, with whom, from what. */
export interface RunStart {
  readonly device: Device;
  /** The processes that train together; null alone. */
  readonly group: ProcessGroup | null;
  /** A model to start from where there is no checkpoint yet. */
  readonly from?: TrainedModel | undefined;
}

/** One process on the CPU. */
const plainStart: RunStart = { device: "cpu", group: null };

/** A trainer at its beginning: parameters drawn by the recipe's seed, or another model's where one is given. */
export function freshTrainer(
  recipe: Recipe,
  parts: Parts,
  { device, group, from }: RunStart = plainStart,
): Trainer {
  const config = modelConfigFor(recipe, parts.captions);
  checkParts(parts, config, recipe.data.sizePixels);
  const model = new DreamModel(config);
  initialise(model, Generator.fromSeed(recipe.seed));
  if (from !== undefined) copyParameters(from.model, model);
  return new Trainer(
    moved(model, device),
    { ...recipe, precision: precisionOn(device, recipe.precision) },
    recipe.seed,
    (parameters) => (group === null ? new Alone(parameters) : new TeamMember(group, parameters)),
  );
}

/** bfloat16 where the device multiplies it faster. */
export function precisionOn(device: Device, wanted: Recipe["precision"]): Recipe["precision"] {
  return hasFastBfloat16(device) ? wanted : "float32";
}

/** A model on a device; the one on the CPU is let go of. */
function moved(model: DreamModel, device: Device): DreamModel {
  if (model.device === device) return model;
  const there = new DreamModel(model.config, device);
  copyParameters(model, there);
  model.dispose();
  return there;
}

/**
 * For finding out before hours of preparation.
 * @throws DreamError `state` where a recipe's model cannot start from another
 */
export function checkStart(recipe: Recipe, from: TrainedModel): void {
  const model = new DreamModel(modelConfigFor(recipe, from.captions));
  copyParameters(from.model, model);
  model.dispose();
}

/** @throws DreamError `state` naming every parameter that does not fit */
function copyParameters(from: DreamModel, to: DreamModel): void {
  const named = [...from.namedTensors()];
  const tensors = new Map(named);
  loadState([...to.namedTensors()], {
    name: "the model to start from",
    shapes: new Map(named.map(([name, { shape }]) => [name, shape])),
    read: (name) => tensors.get(name)!.detach().clone(),
  });
}

export interface RunHooks {
  /** Told where training begins, 0 or the step after a checkpoint, how many steps it takes in all, and which checkpoints were damaged. */
  readonly onStart: (
    firstStep: number,
    stepCount: number,
    damaged: readonly DamagedCheckpoint[],
  ) => void | Promise<void>;
  readonly onStep: (entry: JournalEntry, trainer: Trainer, board: TrainingBoard) => void | Promise<void>;
  /** What steps are measured by; asked for once. */
  readonly ceiling?: (trainer: Trainer) => Ceiling;
  readonly signal: AbortSignal;
}

/**
 * Trains a recipe in a run's folder, from its newest whole checkpoint where there is one.
 * @returns the trainer, and the step that would come next: the last one unless stopped
 * @throws DreamError `value` where the folder holds the run of another recipe, `format` where all of its checkpoints are damaged; it is
 *   left as it was
 */
export async function runRecipe(
  recipe: Recipe,
  folder: string,
  data: RunData,
  hooks: RunHooks,
  start: RunStart = plainStart,
): Promise<{ trainer: Trainer; nextStep: number; stepCount: number }> {
  const stepCount = stepsOf(recipe, data.train.count);
  const trainer = freshTrainer(recipe, data, start);
  const order = new BatchOrder(data.train.count, recipe.batchSize, recipe.seed);
  const run = { trainer, source: data.train, order, stepCount, signal: hooks.signal };
  const nextStep =
    trainer.team.rank === 0 ? await lead(run, recipe, folder, data, hooks) : await follow(run, recipe);
  return { trainer, nextStep, stepCount };
}

type Steps = Pick<TrainingRun, "trainer" | "source" | "order" | "stepCount"> & Pick<RunHooks, "signal">;

/** The first process reads and writes all that lies in the run's folder. */
async function lead(
  run: Steps,
  recipe: Recipe,
  folder: string,
  data: RunData,
  { onStart, onStep, ceiling }: RunHooks,
): Promise<number> {
  const { trainer } = run;
  const checkpoints = join(folder, checkpointsFolder);
  const { checkpoint, damaged } = await resumption(checkpoints, recipe);
  const firstStep = shareState(trainer, checkpoint === null ? 0 : loadCheckpoint(checkpoint, trainer));
  await removeHalfWritten(folder);
  await cleanCheckpoints(checkpoints);
  await saveParts(folder, data);
  await writeRecipe(folder, recipe);
  const journal = new Journal(join(folder, "metrics.jsonl"));
  await journal.cutFrom(firstStep);
  const board = new TrainingBoard(join(folder, "tensorboard"), firstStep);
  if (firstStep === 0) board.text("recipe", `\`\`\`yaml\n${stringify(recipe)}\`\`\`\n`);
  await onStart(firstStep, run.stepCount, damaged);
  const { everyMinutes, kept } = recipe.checkpoints;
  const notes = notesOf(recipe, trainer.team.size);
  const store = new CheckpointStore(trainer, { folder: checkpoints, kept, notes });
  let nextStep: number;
  try {
    nextStep = await train({
      ...run,
      journal,
      firstStep,
      checkpoints: { store, everyMinutes },
      nonFiniteFolder: join(folder, "non-finite"),
      ceiling: ceiling?.(trainer) ?? null,
      onStep: async (entry) => {
        board.step(entry);
        await onStep(entry, trainer, board);
      },
    });
  } finally {
    await store.close();
  }
  await saveRunModel(folder, trainer, data, recipe, nextStep);
  return nextStep;
}

/** The others take their parts of the steps, from the first one's state on. */
function follow(run: Steps, { checkpoints: { everyMinutes } }: Recipe): Promise<number> {
  const silent = { journal: null, nonFiniteFolder: null, ceiling: null };
  const firstStep = shareState(run.trainer, 0);
  return train({ ...run, ...silent, firstStep, checkpoints: { store: null, everyMinutes } });
}

/** Leaves the averaged model in the run's folder. @param steps that it was trained */
export async function saveRunModel(
  folder: string,
  trainer: Trainer,
  parts: Parts,
  recipe: Recipe,
  steps: number,
): Promise<void> {
  const description = describeModel(recipe, trainer.model.config, { steps, weights: "ema" });
  await saveModel(folder, description, parts, (path) =>
    writeState(path, weightsOf(trainer, "ema"), weightsMetadata),
  );
}
