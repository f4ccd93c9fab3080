/** @file A recipe's scenes: rendered as shards on disk where they are not there yet, read, and made into tables of features. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Sample } from "../data/sample.js";
import { writeScenes } from "../data/scenes/write.js";
import type { FeatureTable } from "../features/feature-table.js";
import { readSamples, tableOf } from "../features/small-data.js";
import { writeAtomically } from "../formats/atomic.js";
import { type LocateModel, onCpu, openAlignment } from "./frozen-parts.js";
import { makeParts, type Parts } from "./parts.js";
import type { RecipeOf } from "./recipe.js";
import type { RunData } from "./run.js";

/** Told how far a part of the preparation is. */
export type Watch = (part: "render" | "read", done: number, all: number) => void;

/** Scenes read and made into features. */
export interface SceneData extends RunData {
  readonly train: FeatureTable;
  /** Those of the table. */
  readonly trainSamples: readonly Sample[];
  readonly heldOut: readonly Sample[];
  readonly heldOutTable: FeatureTable;
  /** Patterns of the shards of both splits, which hold more of each scene than its sample. */
  readonly shards: { readonly train: string; readonly test: string };
}

const samplesPerShard = 2000;

export interface PreparationOptions {
  readonly watch?: Watch;
  /** Whose parts are taken; made by the recipe where left out. */
  readonly from?: Parts | undefined;
  readonly locate: LocateModel;
  /** Ends the preparation with its reason; shards that are whole stay. */
  readonly signal?: AbortSignal;
}

/** Renders a recipe's scenes into shards below `folder`, unless the same are there, and reads them. */
export async function prepareScenes(
  recipe: RecipeOf<"scenes">,
  folder: string,
  { watch, from, locate, signal }: PreparationOptions,
): Promise<SceneData> {
  const told: Watch = (part, done, all) => {
    signal?.throwIfAborted();
    watch?.(part, done, all);
  };
  const { level, train: trainCount, heldOut: heldOutCount, seed, sizePixels } = recipe.data;
  const all = trainCount + heldOutCount;
  const stamp = join(folder, "scenes.json");
  const wanted = JSON.stringify(recipe.data);
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
  const shards = { train: join(folder, "train-*.tar"), test: join(folder, "held-out-*.tar") };
  const samples = await readSamples(shards.train, (done) => told("read", done, all));
  const heldOut = await readSamples(shards.test, (done) => told("read", trainCount + done, all));
  const examples = {
    pictures: samples.map(({ picture }) => picture),
    captions: samples.map(({ caption }) => caption),
  };
  const parts = from ?? (await makeParts(recipe, recipe.model, locate, async () => examples));
  const { codec, captions } = parts;
  const alignment = await openAlignment(recipe, locate, onCpu);
  return {
    codec,
    captions,
    shards,
    trainSamples: samples,
    heldOut,
    train: tableOf(samples, { codec, captions, alignment }),
    heldOutTable: tableOf(heldOut, { codec, captions, alignment }),
  };
}
