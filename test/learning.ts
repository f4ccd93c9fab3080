/** @file Trainings of about a minute (so many steps, so that the machine's speed does not matter), measured on combinations that they never saw. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BatchOrder } from "../src/data/order.js";
import { generativeLoss, retrieval } from "../src/evaluate/held-out.js";
import { localModel } from "../src/recipe/model-folder.js";
import { type RecipeOf, readRecipe, recipeOf } from "../src/recipe/recipe.js";
import { freshTrainer } from "../src/recipe/run.js";
import { prepareScenes, type SceneData } from "../src/recipe/scenes-data.js";
import { scope } from "../src/tensor/index.js";

export const heldOutCount = 61;
const nano = recipeOf("scenes", readRecipe("scenes-nano"));
const recipe: RecipeOf<"scenes"> = {
  ...nano,
  data: { kind: "scenes", level: 1, train: 3000, heldOut: heldOutCount, seed: 1, sizePixels: 32 },
  learningRate: { ...nano.learningRate, kind: "constant", warmupEpochs: 0.2 },
};

export interface Measured {
  /** Generative loss with most tokens hidden, and with few. */
  readonly generative: number;
  readonly continuing: number;
  readonly imageToText: number;
  readonly textToImage: number;
}

/** The pictures that are trained on, and those kept back. */
export function learningData(): Promise<SceneData> {
  return prepareScenes(recipe, mkdtempSync(join(tmpdir(), "dream-learning-")), { locate: localModel });
}

/** Trains from nothing and tells what the model does on combinations it never saw. @param changed what is not the recipe's */
export function trained(
  data: SceneData,
  changed: Partial<RecipeOf<"scenes">["model"]>,
  steps: number,
): Measured {
  const trainer = freshTrainer({ ...recipe, model: { ...recipe.model, ...changed } }, data);
  const order = new BatchOrder(data.train.count, recipe.batchSize, recipe.seed);
  for (let step = 0; step < steps; step++)
    // The warmup goes by quickly, so that both losses act within a minute.
    scope(() =>
      trainer.step(data.train.batch(order.batch(step)), data.train.emptyCaption, {
        step,
        epoch: 0.5 + step / 100,
      }),
    );
  const batch = data.heldOutTable.batch(Array.from({ length: heldOutCount }, (_, i) => i));
  // The loss is always taken, whether it was trained for or not.
  const { model } = trainer;
  const generative = generativeLoss(model, batch, [0.6, 0.8, 1], 1);
  const continuing = generativeLoss(model, batch, [0.1, 0.2, 0.3], 1);
  const found = retrieval(model, batch);
  trainer.dispose();
  model.dispose();
  return { generative, continuing, ...found };
}
