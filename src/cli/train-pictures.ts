/** @file `dream train` of a recipe of pictures: one's own, read live with frozen models beside, or a feature cache. */
import { totalmem } from "node:os";
import { DreamError } from "../errors.js";
import { checkMemory } from "../plan/fitting.js";
import { maskedStepFlops } from "../plan/flops.js";
import { describeMemory } from "../plan/memory.js";
import { type FrozenPlace, partsBytes } from "../recipe/frozen-parts.js";
import { areClosed, loadParts, type Parts } from "../recipe/parts.js";
import { isCache, preparePictures } from "../recipe/pictures-data.js";
import type { RecipeOf } from "../recipe/recipe.js";
import { precisionOn, type RunStart } from "../recipe/run.js";
import { isRun } from "../recipe/saved-run.js";
import { locateKept, locateModel } from "./locate-model.js";
import { say } from "./output.js";
import { type Done, inSteps, inTurn, type TrainJob } from "./train-job.js";
import { runWatched } from "./train-watch.js";

export async function trainPictures(
  recipe: RecipeOf<"pictures">,
  { run, options, start, stop }: TrainJob,
): Promise<Done> {
  const { trainData: location = "", indexFolder } = options;
  await sayMemory(recipe, location, start);
  let broken = 0;
  const { device, group } = start;
  const place = { device, dtype: precisionOn(device, recipe.precision) };
  const data = await inTurn(group, async () =>
    preparePictures(recipe, location, {
      locate: locateModel,
      place,
      from: start.from ?? (await partsOfRun(recipe, run, location, place)),
      indexFolder,
      onBroken: ({ key, reason }) => {
        broken++;
        say(`Left out ${key}: ${reason}`);
      },
    }),
  );
  say(`${data.description}. ${data.codec.description}.`);
  try {
    const { trainer, last, steps } = await runWatched(inSteps(recipe, data, options.steps), run, data, {
      start,
      stop,
      stepFlops: maskedStepFlops(recipe, group?.size ?? 1),
      drawnWith:
        group === null || group.rank === 0 ? await openForSamples(recipe, location, data, place) : null,
    });
    if (trainer === null || trainer.team.rank > 0) return null;
    return {
      steps,
      note: broken === 0 ? "" : `; ${broken} samples were left out`,
      results: { last, samples: data.train.count, broken },
    };
  } finally {
    await data.close();
  }
}

/** @throws DreamError `value` where a run does not fit; a GPU's memory is not known here, and only told */
async function sayMemory(
  recipe: RecipeOf<"pictures">,
  location: string,
  { device, group }: RunStart,
): Promise<void> {
  const runs = { ...recipe, precision: precisionOn(device, recipe.precision) };
  const kind = device === "cpu" ? ("cpu" as const) : ("cuda" as const);
  const placement = { processes: group?.size ?? 1, device: kind, frozen: 0 };
  const available = kind === "cpu" ? totalmem() / (group?.localSize ?? 1) : Number.POSITIVE_INFINITY;
  // Where the training alone does not fit, no frozen model is fetched.
  checkMemory(runs, placement, available);
  const plan = checkMemory(runs, { ...placement, frozen: await frozenBytes(recipe, location) }, available);
  say(`Memory: ${describeMemory(plan)}.`);
}

/** Memory of the frozen models: a cache needs none, unless samples are drawn on the way. */
async function frozenBytes(recipe: RecipeOf<"pictures">, location: string): Promise<number> {
  if (!isCache(location)) return partsBytes(recipe, locateModel);
  if (recipe.samples === null) return 0;
  return (await whereKept(() => partsBytes(recipe, locateKept))) ?? 0;
}

/** The parts that samples are drawn with; null where they are neither open nor on this machine, which is said. */
async function openForSamples(
  recipe: RecipeOf<"pictures">,
  location: string,
  data: Parts,
  place: FrozenPlace,
): Promise<Parts | null> {
  if (recipe.samples === null || !areClosed(data)) return data;
  const settings = { ...recipe, sizePixels: recipe.data.sizePixels };
  const opened = await whereKept(() => loadParts(location, settings, locateKept, place));
  if (opened === null)
    say("No samples are drawn: that needs the recipe's frozen models, which are not on this machine.");
  return opened;
}

/** What needs frozen models; null where they are not on this machine. */
async function whereKept<T>(body: () => Promise<T>): Promise<T | null> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof DreamError && error.code === "io") return null;
    throw error;
  }
}

/** The parts that a run began with, where it goes on. */
async function partsOfRun(
  recipe: RecipeOf<"pictures">,
  run: string,
  location: string,
  place: FrozenPlace,
): Promise<Parts | undefined> {
  if (isCache(location) || !isRun(run)) return undefined;
  return loadParts(run, { ...recipe, sizePixels: recipe.data.sizePixels }, locateModel, place);
}
