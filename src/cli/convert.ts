/** @file `dream convert`: between runs, the release's checkpoints (`.pth`) and published model folders. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { DreamError } from "../errors.js";
import { closedParts, loadParts, type Parts } from "../recipe/parts.js";
import { publishRun } from "../recipe/publish.js";
import type { Recipe } from "../recipe/recipe.js";
import { releaseOfModel, releaseOfRun } from "../recipe/release-export.js";
import { openRelease, publishRelease, runOfRelease } from "../recipe/release-import.js";
import { isRun, openRun, type SavedRun } from "../recipe/saved-run.js";
import { locateModel } from "./locate-model.js";
import { say, tell } from "./output.js";

interface ConvertOptions {
  readonly as?: "model" | "run";
  readonly ema?: boolean;
  readonly live?: boolean;
  readonly recipe?: string;
  readonly parts?: string;
  readonly json?: boolean;
}

export function addConvert(program: Command): void {
  program
    .command("convert")
    .description(
      "convert between runs, the release's PyTorch checkpoints (.pth) and published model folders, bit for bit",
    )
    .argument("<from>", "a run's folder, a model's folder, or a .pth file")
    .argument("<to>", "a .pth file, or the folder of a model (or, from a .pth file with --as run, of a run)")
    .addOption(
      new Option("--as <kind>", "what a .pth file becomes").choices(["model", "run"]).default("model"),
    )
    .addOption(new Option("--ema", "publish the averaged weights (the default)").conflicts("live"))
    .addOption(new Option("--live", "publish the weights as the last step left them"))
    .option(
      "--recipe <name>",
      "the recipe that a .pth file belongs to (default: the file's own, or by its sizes)",
    )
    .option(
      "--parts <folder>",
      "a model or run whose codec and words are taken, where the recipe learns them",
    )
    .option("--json", "print one line of JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ dream convert runs/dream-l dream-l.pth\n  $ dream convert runs/dream-l published --live\n" +
        "  $ dream convert checkpoint-last.pth published --recipe dream-l",
    )
    .action(convert);
}

async function convert(from: string, to: string, options: ConvertOptions): Promise<void> {
  const weights = options.live ? "live" : "ema";
  if (existsSync(to)) throw taken(to);
  const source = kindOf(from);
  if (to.endsWith(".pth")) {
    if (source === "release") throw same(from, to);
    await (source === "run" ? releaseOfRun(await opened(from), to) : releaseOfModel(from, to));
    say(
      `${to}: a checkpoint that PyTorch opens, with ${source === "run" ? "model, averages, optimiser and epoch" : "the model"}.`,
    );
    if (options.json) tell({ from, to, kind: "release" });
    return;
  }
  if (source === "run") await publishRun(await opened(from), to, weights);
  else if (source === "release") {
    const release = await openRelease(from, options.recipe);
    const parts = await partsFor(release.recipe, options.parts);
    if (options.as === "run") {
      await runOfRelease(release, parts, to);
      say(`${to}: a run; it goes on where its recipe is trained with --out ${to}`);
      if (options.json) tell({ from, to, kind: "run" });
      return;
    }
    await publishRelease(release, parts, to, weights);
  } else throw same(from, to);
  say(
    `${to}: a model with ${weights === "ema" ? "averaged" : "live"} weights. Draw with it: dream generate --model ${to} --prompt "..."`,
  );
  if (options.json) tell({ from, to, kind: "model", weights });
}

async function opened(folder: string): Promise<SavedRun> {
  const run = await openRun(folder);
  for (const { name, reason } of run.damaged) say(`${name} is damaged and left out: ${reason}`);
  return run;
}

function partsFor(recipe: Recipe, folder: string | undefined): Promise<Parts> {
  if (folder === undefined) return closedParts(recipe, locateModel);
  return loadParts(folder, { ...recipe, sizePixels: recipe.data.sizePixels }, null);
}

/** What is converted. @throws DreamError `io` where it is nothing that is understood */
function kindOf(from: string): "run" | "model" | "release" {
  const found = statSync(from, { throwIfNoEntry: false });
  if (found?.isFile()) return "release";
  if (isRun(from)) return "run";
  if (existsSync(join(from, "config.json"))) return "model";
  throw new DreamError("io", {
    operation: `convert ${from}`,
    expected: "a run's folder (checkpoints and recipe.json), a model's folder (config.json), or a .pth file",
    got: found === undefined ? "no such file or folder" : "a folder without these",
  });
}

function taken(to: string): DreamError {
  return new DreamError("usage", {
    operation: "convert",
    expected: "a name that is free",
    got: `${to}, which exists`,
    hint: "choose another, or remove it",
  });
}

function same(from: string, to: string): DreamError {
  return new DreamError("usage", {
    operation: `convert ${from} to ${to}`,
    expected: "another kind of thing",
    got: "the same kind",
    hint: "copy it",
  });
}
