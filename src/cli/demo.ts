/** @file `dream demo`: scenes, training and drawing on this machine, in minutes, without a download. */
import { join } from "node:path";
import type { Command } from "commander";
import { plainCaption } from "../data/scenes/captions.js";
import { combinations } from "../data/scenes/vocabulary.js";
import { drawPictures } from "../drawing.js";
import { generativeLoss, retrieval } from "../evaluate/held-out.js";
import type { DrawingEvent } from "../generate/generate.js";
import type { Dream } from "../models/dream/dream.js";
import { readRecipe } from "../recipe/recipe.js";
import { loadRunModel } from "../recipe/run-folder.js";
import { prepareScenes, runRecipe, type SceneData } from "../recipe/scenes-run.js";
import { engineVersion, threadCount } from "../tensor/index.js";
import type { JournalEntry } from "../train/journal.js";
import { interruption } from "./interruption.js";
import { say, tell } from "./output.js";
import { writeGrid } from "./picture-grid.js";
import { clock, Progress } from "./progress.js";

interface DemoOptions {
  readonly out: string;
  readonly recipe: string;
  readonly json?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("train a small DREAM on scenes rendered here, and draw captions that it never saw")
    .option("--out <folder>", "where the run is kept; an interrupted run goes on there", "runs/demo")
    .option("--recipe <name>", "which of the package's recipes", "scenes-nano")
    .option("--json", "print one JSON object with the results")
    .addHelpText("after", "\nExample:\n  $ dream demo --out runs/demo")
    .action(demo);
}

/** Prompts in the grid, and drawings of each by each way of decoding. */
const prompts = 8;
const drawingsPerPrompt = 3;

async function demo({ out, recipe: name, json }: DemoOptions): Promise<void> {
  const started = performance.now();
  const recipe = readRecipe(name);
  say(`DREAM on libtorch ${engineVersion()}, ${threadCount()} threads. Everything goes to ${out}.`);
  const rendering = new Progress("Rendering scenes");
  const reading = new Progress("Reading shards");
  const data = await prepareScenes(recipe, join(out, "data"), (part, done, all) =>
    (part === "render" ? rendering : reading).update(done, all),
  );
  say(
    `${data.trainTable.count} scenes to learn from, ${data.heldOutTable.count} of combinations kept back. ` +
      `16 numbers for each 4x4 patch keep ${(100 * data.codec.keptVariance).toFixed(1)}% of the variance.`,
  );
  const stop = interruption(`dream demo --out ${out}`);
  const training = new Progress("Training");
  let untrained: HeldOut | undefined;
  const { trainer, nextStep } = await runRecipe(recipe, out, data, {
    onStart: (firstStep, { model }) => {
      if (firstStep > 0) say(`Going on from step ${firstStep}.`);
      else untrained = measure(model, data);
    },
    onStep: (entry) => training.update(entry.step + 1, recipe.steps, describe(entry)),
    signal: stop.signal,
  });
  stop.release();
  if (nextStep < recipe.steps) return stop.finish(nextStep);
  const trained = measure(trainer.model, data);
  trainer.dispose();
  report(untrained, trained);
  const grid = join(out, "grid.png");
  await drawGrid(out, grid, data);
  const seconds = (performance.now() - started) / 1000;
  say(`Done in ${clock(seconds)}. Look at ${grid}.`);
  if (json) tell({ grid, seconds, steps: recipe.steps, untrained, trained });
}

function describe({
  generativeLoss: g,
  contrastiveLoss: c,
  maskRatio,
  imagesPerSecond,
}: JournalEntry): string {
  return `generative ${g.toFixed(3)}  contrastive ${c.toFixed(3)}  masked ${maskRatio.toFixed(2)}  ${imagesPerSecond.toFixed(0)} images/s`;
}

interface HeldOut {
  readonly generativeLoss: number;
  readonly imageToText: number;
  readonly textToImage: number;
}

/** The first sample of every held-out combination, so that no two of them show the same. */
function onePerCombination({ heldOut }: SceneData): number[] {
  const seen = new Map<number, number>();
  for (const [i, { truth }] of heldOut.entries()) {
    const { label } = truth as { label: number };
    if (!seen.has(label)) seen.set(label, i);
  }
  return [...seen.values()];
}

function measure(model: Dream, data: SceneData): HeldOut {
  const batch = data.heldOutTable.batch(onePerCombination(data));
  const result = {
    generativeLoss: generativeLoss(model, batch, [0.6, 0.8, 1], 1),
    ...retrieval(model, batch),
  };
  for (const tensor of Object.values(batch)) tensor.dispose();
  return result;
}

function report(untrained: HeldOut | undefined, trained: HeldOut): void {
  const line = (what: string, of: (measured: HeldOut) => string): string =>
    `  ${what.padEnd(34)}${untrained === undefined ? "" : `${of(untrained)} -> `}${of(trained)}`;
  const percent = (share: number): string => `${(100 * share).toFixed(0)}%`;
  say("On combinations it never saw (61, one picture each):");
  say(line("generative loss", (m) => m.generativeLoss.toFixed(3)));
  say(line("caption found for picture, of 61", (m) => percent(m.imageToText)));
  say(line("picture found for caption, of 61", (m) => percent(m.textToImage)));
}

/** Rows of a real scene, plain drawings, and drawings with SAD, for held-out captions. */
async function drawGrid(run: string, path: string, data: SceneData): Promise<void> {
  const trained = loadRunModel(run);
  const numbers = onePerCombination(data);
  const chosen = Array.from(
    { length: prompts },
    (_, i) => numbers[Math.floor((i * numbers.length) / prompts)]!,
  );
  const captions = chosen.map((number) => {
    const { label } = data.heldOut[number]!.truth as { label: number };
    return plainCaption(combinations[label]!);
  });
  const repeated = captions.flatMap((caption) => Array.from({ length: drawingsPerPrompt }, () => caption));
  const seeds = repeated.map((_, i) => 100 + i);
  const drawing = new Progress("Drawing");
  const { candidates, selectAt, steps } = trained.drawing;
  const watch =
    (before: number) =>
    (event: DrawingEvent): void => {
      if (event.kind === "step") drawing.update(before + event.step.index + 1, 2 * steps);
    };
  const plain = drawPictures(trained, repeated, { choice: { kind: "plain" }, seeds, observe: watch(0) });
  const aligned = drawPictures(trained, repeated, {
    choice: { kind: "aligned", candidates, atFraction: selectAt },
    seeds,
    observe: watch(steps),
  });
  const part = <T>(list: readonly T[], row: number): T[] =>
    list.slice(row * drawingsPerPrompt, (row + 1) * drawingsPerPrompt);
  const rows = chosen.map((number, row) => [
    data.heldOut[number]!.picture,
    null,
    ...part(plain, row),
    null,
    ...part(aligned, row),
  ]);
  await writeGrid(path, rows, 3);
  say(
    `${path}: on the left a rendered scene, then ${drawingsPerPrompt} plain drawings, then ${drawingsPerPrompt} chosen by SAD (best of ${candidates} at ${100 * selectAt}% of the tokens):`,
  );
  for (const [row, caption] of captions.entries()) say(`  row ${row + 1}: ${caption}`);
  trained.model.dispose();
}
