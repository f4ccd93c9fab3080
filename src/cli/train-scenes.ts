/** @file `dream train` of a recipe of scenes: they are rendered, learned from, and what was learned is tried on those kept back. */
import { join } from "node:path";
import { generativeLoss, retrieval } from "../evaluate/held-out.js";
import { maskedStepFlops } from "../plan/flops.js";
import type { RecipeOf } from "../recipe/recipe.js";
import { prepareScenes, type SceneData } from "../recipe/scenes-data.js";
import type { Trainer } from "../train/trainer.js";
import { locateModel } from "./locate-model.js";
import { Progress } from "./progress.js";
import { type Done, inSteps, inTurn, type TrainJob } from "./train-job.js";
import { runWatched } from "./train-watch.js";

export async function trainScenes(
  recipe: RecipeOf<"scenes">,
  { run, options, start, stop }: TrainJob,
): Promise<Done> {
  const rendering = new Progress("Rendering scenes");
  const reading = new Progress("Reading shards");
  const data = await inTurn(start.group, () =>
    prepareScenes(recipe, join(run, "data"), {
      watch: (part, done, all) => (part === "render" ? rendering : reading).update(done, all),
      from: start.from,
      locate: locateModel,
      signal: stop.signal,
    }),
  );
  const { trainer, last, steps } = await runWatched(inSteps(recipe, data, options.steps), run, data, {
    start,
    stop,
    drawnWith: data,
    stepFlops: maskedStepFlops(recipe, start.group?.size ?? 1),
  });
  if (trainer === null || trainer.team.rank > 0) return null;
  const heldOut = measureHeldOut(trainer, data);
  const note =
    `; on ${heldOut.samples} samples kept back: generative loss ${heldOut.generativeLoss.toFixed(3)}, ` +
    `caption found for ${(100 * heldOut.imageToText).toFixed(0)}% of the pictures`;
  return { steps, note, results: { last, heldOut } };
}

function measureHeldOut({ model }: Trainer, { heldOutTable }: SceneData) {
  const batch = heldOutTable.batch([...Array(Math.min(64, heldOutTable.count)).keys()]);
  return {
    samples: batch.latents.size(0),
    generativeLoss: generativeLoss(model, batch, [0.6, 0.8, 1], 1),
    ...retrieval(model, batch),
  };
}
