/** @file `dream train`: a recipe's run, from nothing, from its own checkpoint, or from another model. */
import { totalmem } from "node:os";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { DreamError } from "../errors.js";
import { generativeLoss, retrieval } from "../evaluate/held-out.js";
import { tokenCount } from "../models/dream/config.js";
import { checkMemory } from "../plan/fitting.js";
import { pictureFlops } from "../plan/flops.js";
import { describeMemory } from "../plan/memory.js";
import { type FrozenPlace, partsBytes } from "../recipe/frozen-parts.js";
import { loadModel } from "../recipe/model-folder.js";
import { areClosed, loadParts, type Parts } from "../recipe/parts.js";
import { isCache, preparePictures } from "../recipe/pictures-data.js";
import { type Recipe, type RecipeOf, recipeNames, recipeOf, stretched } from "../recipe/recipe.js";
import { checkStart, precisionOn, type RunData, type RunStart } from "../recipe/run.js";
import { isRun } from "../recipe/saved-run.js";
import { prepareScenes, type SceneData } from "../recipe/scenes-data.js";
import type { ProcessGroup } from "../tensor/index.js";
import type { Ceiling } from "../train/ceiling.js";
import type { Trainer } from "../train/trainer.js";
import { commandLine, quoted } from "./command-line.js";
import { deviceFor, deviceKind, deviceOption } from "./device.js";
import { type Interruption, interruption } from "./interruption.js";
import { wasLaunched } from "./launcher.js";
import { locateKept, locateModel } from "./locate-model.js";
import { whole } from "./numbers.js";
import { leaveWordsToFirst, say, tell } from "./output.js";
import { runProcesses } from "./processes.js";
import { clock, Progress } from "./progress.js";
import { readRecipeWith, setOption } from "./recipe-settings.js";
import { isTeamMember, joinTeam } from "./team.js";
import { runWatched } from "./train-watch.js";

interface TrainOptions {
  readonly trainData?: string;
  readonly indexFolder?: string;
  readonly steps?: number;
  readonly out?: string;
  readonly init?: string;
  readonly set?: readonly string[];
  readonly device: string;
  readonly processes?: number;
  readonly json?: boolean;
}

export function addTrain(program: Command): void {
  program
    .command("train")
    .description("train a recipe; an interrupted run goes on where it stopped")
    .argument("<recipe>", `a recipe's name (${recipeNames().join(", ")}) or a YAML file`)
    .option(
      "--train-data <location>",
      "captioned pictures (shards, a folder, parquet files, or a feature cache), for recipes of pictures",
    )
    .option("--index-folder <folder>", "where the index of the pictures is kept (default: beside them)")
    .option(
      "--steps <N>",
      "train so many steps; every schedule is stretched with them (default: the recipe's epochs)",
      whole(1),
    )
    .option("--out <folder>", "where the run is kept (default: runs/ and the recipe's name)")
    .option("--init <model>", "start from this model's weights, words and codec")
    .addOption(setOption())
    .addOption(deviceOption())
    .option(
      "--processes <N>",
      "train in so many processes of this machine, each with its share of the cores, or a GPU each; torchrun's variables do the same over several machines",
      whole(1),
    )
    .option("--json", "print one line of JSON with the results")
    .addHelpText(
      "after",
      "\nExamples:\n  $ dream train scenes-nano --out runs/mine --init runs/demo\n" +
        "  $ dream train scenes-nano --processes 2\n" +
        "  $ dream train dream-l --train-data 'cc12m/{00000..01242}.tar' --set learningRate.peak=4e-4 --set batchSize=1024",
    )
    .action(train);
}

async function train(name: string, options: TrainOptions): Promise<void> {
  const { processes = 1 } = options;
  if (processes > 1 && !isTeamMember()) {
    process.exitCode = await runProcesses(processes, process.argv.slice(2));
    return;
  }
  const started = performance.now();
  const recipe = readRecipeWith(name, options.set);
  checkOptions(recipe, options);
  const group = await joinTeam(deviceKind(options.device));
  if (group !== null && group.rank > 0) leaveWordsToFirst();
  const run = options.out ?? join("runs", basename(recipe.name));
  const { init } = options;
  const resume = {
    "--train-data": options.trainData,
    "--index-folder": options.indexFolder,
    "--out": run,
    "--init": init,
    "--steps": options.steps,
    "--set": options.set,
    "--device": options.device === "auto" ? undefined : options.device,
    "--processes": wasLaunched() ? group?.size : undefined,
  };
  const stop = interruption(commandLine(`dream train ${quoted(name)}`, resume));
  const device = deviceFor(options.device, group?.localRank ?? null);
  const from = init === undefined ? undefined : await loadModel(init, locateModel);
  if (from !== undefined) checkStart(recipe, from);
  const start = { device, group, from };
  const done =
    recipe.data.kind === "scenes"
      ? await trainScenes(recipeOf("scenes", recipe), run, options, start, stop)
      : await trainPictures(recipeOf("pictures", recipe), run, options, start, stop);
  group?.leave();
  if (done === null) return;
  const seconds = (performance.now() - started) / 1000;
  say(`Trained ${done.steps} steps in ${clock(seconds)}${done.note}.`);
  say(`Draw with it: dream generate --model ${run} --prompt "..."`);
  if (options.json) tell({ run, recipe: recipe.name, steps: done.steps, seconds, ...done.results });
}

/** What the first process of each machine does before the others: they find what it left. */
async function inTurn<T>(group: ProcessGroup | null, body: () => Promise<T>): Promise<T> {
  if (group === null) return body();
  const isFirst = group.localRank === 0;
  const result = isFirst ? await body() : null;
  group.barrier();
  return isFirst ? (result as T) : body();
}

/** @throws DreamError `usage` where the data and the recipe do not go together */
function checkOptions({ name, data }: Recipe, { trainData }: TrainOptions): void {
  if ((data.kind === "pictures") === (trainData !== undefined)) return;
  throw new DreamError("usage", {
    operation: `train ${name}`,
    expected:
      data.kind === "pictures"
        ? "--train-data with captioned pictures: shards such as 'cc12m/{00000..01242}.tar', a folder, parquet files, or a feature cache"
        : "no --train-data, since this recipe renders its own scenes",
    got: trainData === undefined ? "none" : JSON.stringify(trainData),
  });
}

/** What is said and told of a finished run; null where it was stopped, which has been said, and in all processes but the first. */
type Done = {
  readonly steps: number;
  readonly note: string;
  readonly results: Readonly<Record<string, unknown>>;
} | null;

async function trainScenes(
  recipe: RecipeOf<"scenes">,
  run: string,
  { steps: wanted }: TrainOptions,
  start: RunStart,
  stop: Interruption,
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
  const { trainer, last, steps } = await runWatched(inSteps(recipe, data, wanted), run, data, {
    start,
    stop,
    drawnWith: data,
    stepFlops: flopsOf(recipe, start),
  });
  if (trainer === null || trainer.team.rank > 0) return null;
  const heldOut = measureHeldOut(trainer, data);
  const note =
    `; on ${heldOut.samples} samples kept back: generative loss ${heldOut.generativeLoss.toFixed(3)}, ` +
    `caption found for ${(100 * heldOut.imageToText).toFixed(0)}% of the pictures`;
  return { steps, note, results: { last, heldOut } };
}

async function trainPictures(
  recipe: RecipeOf<"pictures">,
  run: string,
  { trainData: location = "", steps: wanted, indexFolder }: TrainOptions,
  start: RunStart,
  stop: Interruption,
): Promise<Done> {
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
    const { trainer, last, steps } = await runWatched(inSteps(recipe, data, wanted), run, data, {
      start,
      stop,
      stepFlops: flopsOf(recipe, start),
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

/** Operations of this process's part of a step, by what the step says of its masks. */
const flopsOf =
  (recipe: Recipe, { group }: RunStart): Ceiling["stepFlops"] =>
  ({ maskRatio, generativeShare }) => {
    const hidden = Math.round(maskRatio * tokenCount(recipe.model));
    const { model } = recipe;
    const of = (minimumMasked: number): number => {
      const { forward, backward } = pictureFlops(
        { ...recipe, model: { ...model, minimumMasked } },
        hidden,
        model.textTower.contextLength,
      );
      return forward + backward;
    };
    // Gated groups and the others apart.
    const picture = generativeShare * of(0) + (1 - generativeShare) * of(2);
    return (recipe.batchSize / (group?.size ?? 1)) * picture;
  };

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

/** The recipe in the number of steps that was asked for. */
function inSteps(recipe: Recipe, { train: { count } }: RunData, steps: number | undefined): Recipe {
  return steps === undefined ? recipe : stretched(recipe, count, steps);
}

function measureHeldOut({ model }: Trainer, { heldOutTable }: SceneData) {
  const batch = heldOutTable.batch([...Array(Math.min(64, heldOutTable.count)).keys()]);
  return {
    samples: batch.latents.size(0),
    generativeLoss: generativeLoss(model, batch, [0.6, 0.8, 1], 1),
    ...retrieval(model, batch),
  };
}
