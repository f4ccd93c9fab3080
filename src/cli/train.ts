/** @file `dream train`: a recipe's run, from nothing, from its own checkpoint, or from another model. */
import { basename, join } from "node:path";
import type { Command } from "commander";
import { generativeLoss, retrieval } from "../evaluate/held-out.js";
import { readRecipe, recipeNames } from "../recipe/recipe.js";
import { loadRunModel } from "../recipe/run-folder.js";
import { checkStart, prepareScenes, runRecipe } from "../recipe/scenes-run.js";
import type { JournalEntry } from "../train/journal.js";
import { interruption } from "./interruption.js";
import { say, tell } from "./output.js";
import { clock, Progress } from "./progress.js";

interface TrainOptions {
  readonly out?: string;
  readonly init?: string;
  readonly json?: boolean;
}

export function addTrain(program: Command): void {
  program
    .command("train")
    .description("train a recipe; an interrupted run goes on where it stopped")
    .argument("<recipe>", `a recipe's name (${recipeNames().join(", ")}) or a YAML file`)
    .option("--out <folder>", "where the run is kept (default: runs/ and the recipe's name)")
    .option("--init <model>", "start from this run's weights, words and codec")
    .option("--json", "print one line of JSON with the results")
    .addHelpText("after", "\nExample:\n  $ dream train scenes-nano --out runs/mine --init runs/demo")
    .action(train);
}

async function train(name: string, { out, init, json }: TrainOptions): Promise<void> {
  const started = performance.now();
  const recipe = readRecipe(name);
  const run = out ?? join("runs", basename(recipe.name));
  const from = init === undefined ? undefined : loadRunModel(init);
  if (from !== undefined) checkStart(recipe, from);
  const rendering = new Progress("Rendering scenes");
  const reading = new Progress("Reading shards");
  const watch = (part: "render" | "read", done: number, all: number): void =>
    (part === "render" ? rendering : reading).update(done, all);
  const stop = interruption(`dream train ${name} --out ${run}${init === undefined ? "" : ` --init ${init}`}`);
  const data = await prepareScenes(recipe, join(run, "data"), { watch, from, signal: stop.signal });
  const training = new Progress("Training");
  let last: JournalEntry | undefined;
  const hooks = {
    onStart: (firstStep: number) => {
      if (firstStep > 0) say(`Going on from step ${firstStep}.`);
    },
    onStep: (entry: JournalEntry) => {
      last = entry;
      training.update(entry.step + 1, recipe.steps, describeStep(entry));
    },
    signal: stop.signal,
  };
  const { trainer, nextStep } = await runRecipe(recipe, run, data, hooks, from);
  stop.release();
  if (nextStep < recipe.steps) return stop.finish(nextStep);
  const batch = data.heldOutTable.batch([...Array(Math.min(64, data.heldOutTable.count)).keys()]);
  const heldOut = {
    samples: batch.latents.size(0),
    generativeLoss: generativeLoss(trainer.model, batch, [0.6, 0.8, 1], 1),
    ...retrieval(trainer.model, batch),
  };
  const seconds = (performance.now() - started) / 1000;
  say(
    `Trained ${recipe.steps} steps in ${clock(seconds)}; on ${heldOut.samples} samples kept back: generative loss ` +
      `${heldOut.generativeLoss.toFixed(3)}, caption found for ${percent(heldOut.imageToText)} of the pictures.`,
  );
  say(`Draw with it: dream generate --model ${run} --prompt "..."`);
  if (json) tell({ run, recipe: recipe.name, steps: recipe.steps, seconds, last, heldOut });
}

const percent = (share: number): string => `${(100 * share).toFixed(0)}%`;

/** A step's losses for the line of progress. */
export function describeStep({
  generativeLoss: g,
  contrastiveLoss: c,
  maskRatio,
  imagesPerSecond,
}: JournalEntry): string {
  return `generative ${g.toFixed(3)}  contrastive ${c.toFixed(3)}  masked ${maskRatio.toFixed(2)}  ${imagesPerSecond.toFixed(0)} images/s`;
}
