/** @file Where the pictures come from that a trained model is measured on: the scenes that it was trained beside, or sources on disk. */
import { join } from "node:path";
import { type DenseLocations, openDense } from "./data/dense/open-dense.js";
import { openSceneTruths } from "./data/dense/scene-shards.js";
import { Loader } from "./data/loader.js";
import { openSamples } from "./data/open-samples.js";
import type { Sample, SampleSource } from "./data/sample.js";
import { sceneClass, sceneClasses } from "./data/scenes/classes.js";
import { parseTruth } from "./data/scenes/truth.js";
import type { SceneLevel } from "./data/scenes/vocabulary.js";
import { DreamError } from "./errors.js";
import { loadedSplit, type PictureSplit, splitOf } from "./evaluate/splits.js";
import type { EvaluationData } from "./evaluate/subject.js";
import { localModel } from "./recipe/model-folder.js";
import type { RecipeOf } from "./recipe/recipe.js";
import { prepareScenes, type SceneData, type Watch } from "./recipe/scenes-data.js";

/** Splits that are open. */
export interface OpenData {
  readonly data: EvaluationData;
  /** The test split as models are told of it in training: what is drawn. */
  readonly prompts: PictureSplit;
  close(): Promise<void>;
}

/** The most pictures that are taken of each split: the first ones. */
export interface SplitLimits {
  readonly train: number;
  readonly test: number;
}

/** The scenes of a run, rendered below its folder where they are not there any more. */
export async function sceneData(
  recipe: RecipeOf<"scenes">,
  run: string,
  limits: SplitLimits,
  watch: Watch,
): Promise<OpenData> {
  const data = await prepareScenes(recipe, join(run, "data"), { watch, locate: localModel });
  return {
    data: sceneSplits(data, recipe.data.level, limits),
    prompts: splitOf("held-out", data.heldOut.slice(0, limits.test)),
    close: async () => {},
  };
}

/** Scenes as splits, each under the class that its truth says. */
export function sceneSplits(
  { trainSamples, heldOut, shards }: Pick<SceneData, "trainSamples" | "heldOut" | "shards">,
  level: SceneLevel,
  limits: SplitLimits,
): EvaluationData {
  const first = (samples: readonly Sample[], count: number): Sample[] =>
    samples
      .slice(0, count)
      .map((sample) => ({ ...sample, label: sceneClass(parseTruth(sample.truth, sample.key)) }));
  return {
    train: splitOf("train", first(trainSamples, limits.train)),
    test: splitOf("held-out", first(heldOut, limits.test)),
    classes: sceneClasses(level),
    scenes: level,
    dense: openSceneTruths(shards, limits),
  };
}

export interface PictureLocations {
  readonly test: string;
  readonly train: string | null;
  /** Names of classes, in the order of the labels; null takes those of folders where pictures lie in such. */
  readonly classes: readonly string[] | null;
  /** Sentences for classes, with `{}` in each; null takes the usual ones. */
  readonly templates: readonly string[] | null;
  readonly dense: DenseLocations;
}

/**
 * Opens sources on disk, as `openSamples` understands them.
 * @param side of the model's pictures, in pixels
 * @throws DreamError `value` where both splits' classes are not the same
 */
export async function pictureData(
  { test, train, classes, templates, dense }: PictureLocations,
  side: number,
  limits: SplitLimits,
): Promise<OpenData> {
  const opened: { readonly source: SampleSource; readonly loader: Loader }[] = [];
  const close = async (): Promise<void> => {
    for (const { loader, source } of opened) {
      await loader.close();
      await source.close();
    }
  };
  const open = async (name: string, location: string, most: number): Promise<PictureSplit> => {
    const source = await openSamples(location);
    const loader = new Loader(source, { side });
    opened.push({ source, loader });
    return loadedSplit(name, loader, side, Math.min(most, source.count));
  };
  try {
    const splits = {
      test: await open("test", test, limits.test),
      train: train === null ? null : await open("train", train, limits.train),
    };
    const [of, others] = opened.map(({ source }) => source.classes);
    if (others != null && of != null && others.join("\n") !== of.join("\n"))
      throw new DreamError("value", {
        operation: `evaluate on ${test}`,
        expected: `the classes of ${train}: ${others.slice(0, 5).join(", ")}, ...`,
        got: of.slice(0, 5).join(", "),
      });
    const known = { classes: classes ?? of ?? null, scenes: null, dense: openDense(dense, limits) };
    const data = { ...splits, ...known, ...(templates === null ? {} : { templates }) };
    return { data, prompts: splits.test, close };
  } catch (error) {
    await close();
    throw error;
  }
}
