/** @file `dream train`: a recipe's run, from nothing, from its own checkpoint, or from another model. */
import { basename, join } from "node:path";
import type { Command } from "commander";
import { deviceFor, deviceKind } from "../device.js";
import { DreamError } from "../errors.js";
import { loadModel } from "../recipe/model-folder.js";
import { type Recipe, recipeNames, recipeOf } from "../recipe/recipe.js";
import { checkStart } from "../recipe/run.js";
import { commandLine, quoted } from "./command-line.js";
import { deviceOption } from "./device.js";
import { interruption } from "./interruption.js";
import { wasLaunched } from "./launcher.js";
import { locateModel } from "./locate-model.js";
import { whole } from "./numbers.js";
import { leaveWordsToFirst, say, tell } from "./output.js";
import { runProcesses } from "./processes.js";
import { clock } from "./progress.js";
import { readRecipeWith, setOption } from "./recipe-settings.js";
import { isTeamMember, joinTeam } from "./team.js";
import type { TrainOptions } from "./train-job.js";
import { trainPictures } from "./train-pictures.js";
import { trainScenes } from "./train-scenes.js";

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
      ? await trainScenes(recipeOf("scenes", recipe), { run, options, start, stop })
      : await trainPictures(recipeOf("pictures", recipe), { run, options, start, stop });
  group?.leave();
  if (done === null) return;
  const seconds = (performance.now() - started) / 1000;
  say(`Trained ${done.steps} steps in ${clock(seconds)}${done.note}.`);
  say(`Draw with it: dream generate --model ${run} --prompt "..."`);
  if (options.json) tell({ run, recipe: recipe.name, steps: done.steps, seconds, ...done.results });
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
