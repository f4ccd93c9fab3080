/** @file Checkpoints of the release (`.pth`) and what they become here: a run to go on with, or a model's folder. */

import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { DreamError } from "../errors.js";
import type { PickleValue } from "../formats/pickle/value.js";
import { openTorchFile } from "../formats/torch/torch-file.js";
import type { DreamConfig } from "../models/dream/config.js";
import { DreamModel } from "../models/dream/dream.js";
import { pytorchName } from "../models/dream/pytorch-names.js";
import { configOfRelease } from "../models/dream/release-config.js";
import { checkFit, writeStored } from "../nn/index.js";
import { writeCheckpoint } from "../train/checkpoint-folder.js";
import {
  type ReleaseCheckpoint,
  readReleaseCheckpoint,
  runStateOfRelease,
  shapesOf,
  stepsCounted,
} from "../train/release-reader.js";
import { describeModel, type ModelOrigin } from "./model-description.js";
import { saveModel, weightsMetadata } from "./model-folder.js";
import { type Parts, saveParts } from "./parts.js";
import { modelConfigFor, parseRecipe, type Recipe, readRecipe, recipeNames } from "./recipe.js";
import { ownKey } from "./release-export.js";
import { notesOf } from "./resume.js";
import { checkpointsFolder, writeRecipe } from "./saved-run.js";

/** A checkpoint with the recipe that it belongs to. */
export interface OpenRelease {
  readonly checkpoint: ReleaseCheckpoint;
  readonly recipe: Recipe;
  /** What a run of ours left in it; empty where the release wrote it. */
  readonly own: ReadonlyMap<unknown, PickleValue>;
}

/**
 * Opens a checkpoint.
 * @param recipeName where left out, the file's own, or the one whose model has its sizes
 * @throws DreamError `format` where the file is none, or holds what is refused; `value` where no recipe fits
 */
export async function openRelease(path: string, recipeName?: string): Promise<OpenRelease> {
  const file = await openTorchFile(path);
  const checkpoint = readReleaseCheckpoint(file);
  const kept = file.value instanceof Map ? file.value.get(ownKey) : undefined;
  const own = kept instanceof Map ? kept : new Map<unknown, PickleValue>();
  const recipe = recipeName === undefined ? recipeOfRelease(checkpoint, own) : readRecipe(recipeName);
  return { checkpoint, recipe, own };
}

/** Publishes a checkpoint's model. @throws DreamError where the weights asked for are not there, or are another recipe's */
export async function publishRelease(
  { checkpoint, recipe, own }: OpenRelease,
  parts: Parts,
  to: string,
  weights: ModelOrigin["weights"],
): Promise<void> {
  const config = modelConfigFor(recipe, parts.captions);
  const chosen = weights === "ema" ? checkpoint.average : checkpoint.model;
  if (chosen === null)
    throw new DreamError("value", {
      operation: `convert ${checkpoint.path}`,
      expected: "averaged weights (model_ema)",
      got: "none",
      hint: "take the others with --live",
    });
  // The live model's buffers, where the averages have none of their own.
  const tensors = new Map([...checkpoint.model, ...chosen]);
  const wanted = [...new DreamModel(config, "meta").namedTensors()];
  checkFit(
    wanted.map(([path, tensor]) => [pytorchName(path), tensor]),
    { name: checkpoint.path, shapes: shapesOf(tensors) },
  );
  const steps = stepsTaken(own) ?? stepsCounted(checkpoint);
  const description = describeModel(recipe, config, { steps, weights });
  await saveModel(to, description, parts, (path) => writeStored(path, tensors, weightsMetadata));
}

/** Makes a run's folder, in which training goes on: bit for bit where ours left it. */
export async function runOfRelease(
  { checkpoint, recipe, own }: OpenRelease,
  parts: Parts,
  to: string,
): Promise<void> {
  const model = new DreamModel(modelConfigFor(recipe, parts.captions), "meta");
  const { tensors, stepCount } = runStateOfRelease(checkpoint, model);
  await saveParts(to, parts);
  await writeRecipe(to, recipe);
  const sources = [...tensors].map(([name, { dtype, shape, bytes }]) => ({ name, dtype, shape, bytes }));
  await writeCheckpoint(join(to, checkpointsFolder), sources, {
    step: stepsTaken(own) ?? stepCount,
    optimiserSteps: stepCount,
    ...notesOf(recipe, 1),
  });
}

/** What a run of ours counted. */
function stepsTaken(own: OpenRelease["own"]): number | null {
  const kept = own.get("step");
  return typeof kept === "number" ? kept : null;
}

/** @throws DreamError `value` where no recipe's model is the checkpoint's */
function recipeOfRelease({ path, settings, model }: ReleaseCheckpoint, own: OpenRelease["own"]): Recipe {
  const kept = own.get("recipe");
  if (typeof kept === "string") return parseRecipe(parseJson(path, kept), `the recipe in ${path}`);
  const found = settings === null ? null : configOfRelease(path, settings, shapesOf(model));
  const fitting = recipeNames()
    .map(readRecipe)
    .filter((recipe) => found !== null && isDeepStrictEqual(networkOf(recipe.model), networkOf(found)));
  if (fitting.length === 1) return fitting[0]!;
  throw new DreamError("value", {
    operation: `convert ${path}`,
    expected: `the model of one recipe (${recipeNames().join(", ")})`,
    got:
      found === null
        ? "a checkpoint without args"
        : fitting.length === 0
          ? "a model of other sizes"
          : `that of ${fitting.map(({ name }) => name).join(" and of ")}`,
    hint: "name its recipe with --recipe",
  });
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DreamError("format", {
      operation: `read the recipe in ${path}`,
      message: String(cause),
      cause,
    });
  }
}

/** What decides a network's tensors and their arithmetic, whatever its losses and draws. */
function networkOf(config: DreamConfig) {
  const { latent, encoder, decoder, bufferTokens, textTower, captions, alignerDepth, joint, head } = config;
  const { classes, alignment, lossWeights } = config;
  const learns = { generative: lossWeights.generative > 0, contrastive: lossWeights.contrastive > 0 };
  return {
    ...{ latent, encoder, decoder, bufferTokens, textTower, captions, alignerDepth, joint, head },
    ...{ classes: classes.kind, alignment, learns },
  };
}
