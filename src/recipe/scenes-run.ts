/** @file A recipe's run from nothing: scenes as shards on disk, features, a fresh or resumed trainer, the model left for drawing. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BatchOrder } from "../data/order.js";
import type { Sample } from "../data/sample.js";
import { writeScenes } from "../data/scenes/write.js";
import type { FeatureTable } from "../features/feature-table.js";
import { fitFeatures, readSamples, tableOf } from "../features/scene-data.js";
import { writeAtomically } from "../formats/atomic.js";
import type { DreamConfig } from "../models/dream/config.js";
import { Dream } from "../models/dream/dream.js";
import { initialise } from "../models/dream/initialise.js";
import { loadState } from "../nn/index.js";
import { Generator, hasFastBfloat16, seedDefaultGenerators } from "../tensor/index.js";
import type { WordTokenizer } from "../text/words.js";
import { loadCheckpoint } from "../train/checkpoint.js";
import { Journal, type JournalEntry } from "../train/journal.js";
import { train } from "../train/loop.js";
import { Trainer } from "../train/trainer.js";
import { type Recipe, recipeHash } from "./recipe.js";
import { saveRunModel, type TrainedModel } from "./run-folder.js";

/** Told how far a part of the preparation is. */
export type Watch = (part: "render" | "read", done: number, all: number) => void;

/** Scenes read and made into features. */
export interface SceneData {
  readonly heldOut: readonly Sample[];
  readonly trainTable: FeatureTable;
  readonly heldOutTable: FeatureTable;
  readonly codec: TrainedModel["codec"];
  readonly tokenizer: WordTokenizer;
}

const samplesPerShard = 2000;

export interface PreparationOptions {
  readonly watch?: Watch;
  /** Whose codec and words are taken; learned from the samples where left out. */
  readonly from?: TrainedModel | undefined;
  /** Ends the preparation with its reason; shards that are whole stay. */
  readonly signal?: AbortSignal;
}

/** Renders a recipe's scenes into shards below `folder`, unless the same are there, and reads them. */
export async function prepareScenes(
  recipe: Recipe,
  folder: string,
  { watch, from, signal }: PreparationOptions = {},
): Promise<SceneData> {
  const told: Watch = (part, done, all) => {
    signal?.throwIfAborted();
    watch?.(part, done, all);
  };
  const { level, train: trainCount, heldOut: heldOutCount, seed, sizePixels } = recipe.data.scenes;
  const all = trainCount + heldOutCount;
  const stamp = join(folder, "scenes.json");
  const wanted = JSON.stringify(recipe.data.scenes);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    const request = { level, seed, sizePixels, folder, samplesPerShard };
    const onProgress = (before: number) => (written: number) => told("render", before + written, all);
    await writeScenes({ ...request, split: "train", count: trainCount, onProgress: onProgress(0) });
    await writeScenes({
      ...request,
      split: "held-out",
      count: heldOutCount,
      onProgress: onProgress(trainCount),
    });
    await writeAtomically(stamp, (file) => file.writeFile(wanted));
  }
  const samples = await readSamples(join(folder, "train-*.tar"), (done) => told("read", done, all));
  const heldOut = await readSamples(join(folder, "held-out-*.tar"), (done) =>
    told("read", trainCount + done, all),
  );
  const { codec, tokenizer } =
    from ?? fitFeatures(samples, recipe.data.codec, recipe.model.textTower.contextLength);
  return {
    heldOut,
    trainTable: tableOf(samples, codec, tokenizer),
    heldOutTable: tableOf(heldOut, codec, tokenizer),
    codec,
    tokenizer,
  };
}

/** The recipe's model with the vocabulary that the captions have. */
export function modelConfigFor(
  { model }: Recipe,
  { vocabularySize: vocabulary }: WordTokenizer,
): DreamConfig {
  return {
    ...model,
    textTower: { ...model.textTower, vocabulary },
    captions: model.captions.kind === "words" ? { ...model.captions, vocabulary } : model.captions,
  };
}

/** A trainer at its beginning: parameters drawn by the recipe's seed, or another model's where one is given. */
export function freshTrainer(recipe: Recipe, tokenizer: WordTokenizer, from?: TrainedModel): Trainer {
  const model = new Dream(modelConfigFor(recipe, tokenizer));
  initialise(model, Generator.fromSeed(recipe.seed));
  if (from !== undefined) copyParameters(from.model, model);
  seedDefaultGenerators(recipe.seed);
  const precision = hasFastBfloat16() ? recipe.precision : "float32";
  return new Trainer(model, { ...recipe, precision }, Generator.fromSeed(recipe.seed + 1));
}

/**
 * For finding out before hours of preparation.
 * @throws DreamError `state` where a recipe's model cannot start from another
 */
export function checkStart(recipe: Recipe, from: TrainedModel): void {
  const model = new Dream(modelConfigFor(recipe, from.tokenizer));
  copyParameters(from.model, model);
  model.dispose();
}

/** @throws DreamError `state` naming every parameter that does not fit */
function copyParameters(from: Dream, to: Dream): void {
  const named = [...from.namedTensors()];
  const tensors = new Map(named);
  loadState([...to.namedTensors()], {
    name: "the model to start from",
    shapes: new Map(named.map(([name, { shape }]) => [name, shape])),
    read: (name) => tensors.get(name)!.detach().clone(),
  });
}

export interface RunHooks {
  /** Told where training begins: 0, or the step after a checkpoint. */
  readonly onStart: (firstStep: number, trainer: Trainer) => void | Promise<void>;
  readonly onStep: (entry: JournalEntry, trainer: Trainer) => void | Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Trains a recipe in a run's folder, from its checkpoint where there is one.
 * @param from a model to start from where there is no checkpoint yet
 * @returns the trained parts, and the step that would come next: the recipe's last unless stopped
 * @throws DreamError `value` where the folder holds the run of another recipe; it is left as it was
 */
export async function runRecipe(
  recipe: Recipe,
  folder: string,
  data: SceneData,
  { onStart, onStep, signal }: RunHooks,
  from?: TrainedModel,
): Promise<{ trainer: Trainer; nextStep: number }> {
  const hash = recipeHash(recipe);
  const path = join(folder, "checkpoint.safetensors");
  const trainer = freshTrainer(recipe, data.tokenizer, from);
  const firstStep = existsSync(path) ? loadCheckpoint(path, trainer, hash) : 0;
  await writeAtomically(join(folder, "recipe.json"), (file) =>
    file.writeFile(`${JSON.stringify({ hash, ...recipe }, null, 2)}\n`),
  );
  const journal = new Journal(join(folder, "metrics.jsonl"));
  await journal.cutFrom(firstStep);
  await onStart(firstStep, trainer);
  const nextStep = await train({
    trainer,
    source: data.trainTable,
    order: new BatchOrder(data.trainTable.count, recipe.batchSize, recipe.seed),
    journal,
    firstStep,
    stepCount: recipe.steps,
    checkpoint: { path, everySteps: recipe.checkpointEverySteps, recipeHash: hash },
    onStep: (entry) => onStep(entry, trainer),
    signal,
  });
  await saveRunModel(folder, trainer, data, recipe, hash);
  return { trainer, nextStep };
}
