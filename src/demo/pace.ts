/** @file How many steps fit into so many minutes on this machine: a few steps of a throwaway model are timed. */
import { BatchOrder } from "../data/order.js";
import type { RecipeOf } from "../recipe/recipe.js";
import { freshTrainer } from "../recipe/run.js";
import type { SceneData } from "../recipe/scenes-data.js";
import { scope } from "../tensor/index.js";

/** Untimed steps, then timed ones. */
const warmup = 2;
const timed = 8;

/** @returns a number of steps, at least 50 */
export function stepsWithin(minutes: number, recipe: RecipeOf<"scenes">, data: SceneData): number {
  const trainer = freshTrainer(recipe, data);
  const order = new BatchOrder(data.train.count, recipe.batchSize, recipe.seed);
  let started = performance.now();
  for (let step = 0; step < warmup + timed; step++) {
    if (step === warmup) started = performance.now();
    // From all of training, since later steps hide more and cost more.
    const epoch = (recipe.epochs * Math.max(0, step - warmup + 0.5)) / timed;
    scope(() => {
      trainer.step(data.train.batch(order.batch(step)), data.train.emptyCaption, { step, epoch });
    });
  }
  const secondsPerStep = (performance.now() - started) / 1000 / timed;
  trainer.dispose();
  trainer.model.dispose();
  return Math.max(50, Math.round((minutes * 60) / secondsPerStep));
}
