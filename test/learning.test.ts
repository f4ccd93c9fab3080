/** @file About a minute of training (so many steps, so that the machine's speed does not matter), on held-out combinations: both losses do their work, and each is needed for its half. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { BatchOrder } from "../src/data/order.js";
import { generativeLoss, retrieval } from "../src/evaluate/held-out.js";
import { localModel } from "../src/recipe/model-folder.js";
import { type RecipeOf, readRecipe, recipeOf } from "../src/recipe/recipe.js";
import { freshTrainer } from "../src/recipe/run.js";
import { prepareScenes, type SceneData } from "../src/recipe/scenes-data.js";
import { scope } from "../src/tensor/index.js";

const heldOutCount = 61;
const nano = recipeOf("scenes", readRecipe("scenes-nano"));
const recipe: RecipeOf<"scenes"> = {
  ...nano,
  data: { kind: "scenes", level: 1, train: 3000, heldOut: heldOutCount, seed: 1, sizePixels: 32 },
  learningRate: { ...nano.learningRate, kind: "constant", warmupEpochs: 0.2 },
};

interface Measured {
  /** Generative loss with most tokens hidden, and with few. */
  readonly generative: number;
  readonly continuing: number;
  readonly imageToText: number;
  readonly textToImage: number;
}

let data: SceneData;

beforeAll(async () => {
  data = await prepareScenes(recipe, mkdtempSync(join(tmpdir(), "dream-learning-")), { locate: localModel });
});

/** Trains from nothing and tells what the model does on combinations it never saw. @param changed what is not the recipe's */
function trained(changed: Partial<RecipeOf<"scenes">["model"]>, steps: number): Measured {
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

describe("a minute of training", () => {
  const chance = 1 / heldOutCount;

  it("teaches to draw, to continue what is visible, and to understand", () => {
    const before = trained({}, 0);
    const after = trained({}, 150);
    expect(before.generative).toBeGreaterThan(0.9);
    expect(after.generative).toBeLessThan(0.55 * before.generative);
    // 0.745 and 0.758 of it with two seeds; from the paper's start 0.993.
    expect(after.continuing).toBeLessThan(0.85 * after.generative);
    expect(before.imageToText).toBeLessThan(4 * chance);
    expect(after.imageToText).toBeGreaterThan(12 * chance);
    expect(after.textToImage).toBeGreaterThan(12 * chance);
  }, 400_000);

  it("from the paper's start does not find out what hidden tokens continue", () => {
    const after = trained({ spatialStart: { kind: "random" } }, 150);
    expect(after.continuing).toBeGreaterThan(0.85 * after.generative);
  }, 400_000);

  it("without the contrastive loss teaches nothing of captions", () => {
    const after = trained({ lossWeights: { generative: 1, contrastive: 0 } }, 100);
    expect(after.generative).toBeLessThan(0.8);
    expect(Math.max(after.imageToText, after.textToImage)).toBeLessThan(6 * chance);
  }, 400_000);

  it("without the generative loss teaches nothing of drawing", () => {
    const after = trained({ lossWeights: { generative: 0, contrastive: 0.05 } }, 150);
    expect(Math.max(after.imageToText, after.textToImage)).toBeGreaterThan(12 * chance);
    expect(after.generative).toBeGreaterThan(0.9);
  }, 400_000);
});
