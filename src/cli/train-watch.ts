/** @file What is seen of a run while it trains: the line of progress, sample grids, and how near its steps come to the machine's best. */
import { join } from "node:path";
import { checkCaption } from "../drawing.js";
import { averagedModel } from "../recipe/model-folder.js";
import type { Parts } from "../recipe/parts.js";
import type { Recipe } from "../recipe/recipe.js";
import { type RunData, type RunHooks, type RunStart, runRecipe } from "../recipe/run.js";
import { keepSamples, samplesFolder } from "../samples.js";
import { type Ceiling, measureCeiling } from "../train/ceiling.js";
import type { DamagedCheckpoint } from "../train/checkpoint-reader.js";
import type { JournalEntry } from "../train/journal.js";
import type { Trainer } from "../train/trainer.js";
import type { Interruption } from "./interruption.js";
import { say } from "./output.js";
import { Progress } from "./progress.js";

export interface WatchOptions {
  readonly start: RunStart;
  readonly stop: Interruption;
  /** The parts that samples are drawn with; null draws none. */
  readonly drawnWith: Parts | null;
  readonly stepFlops: Ceiling["stepFlops"];
}

/** A run that was watched; no trainer where it was stopped, which has been said. */
export interface WatchedRun {
  readonly trainer: Trainer | null;
  readonly last: JournalEntry | undefined;
  readonly steps: number;
}

/** Runs a recipe with its line of progress, drawing its samples. */
export async function runWatched(
  recipe: Recipe,
  run: string,
  data: RunData,
  { start, stop, drawnWith, stepFlops }: WatchOptions,
): Promise<WatchedRun> {
  const training = new Progress("Training");
  const drawSamples = samplesHook(recipe, run, drawnWith);
  let last: JournalEntry | undefined;
  let steps = 0;
  const hooks: RunHooks = {
    onStart: (firstStep, stepCount, damaged) => {
      steps = stepCount;
      sayDamaged(damaged);
      if (firstStep > 0) say(`Going on from step ${firstStep}.`);
      if (firstStep < stepCount) say(whereToLook(recipe, run, drawnWith));
    },
    onStep: async (entry, trainer, board) => {
      last = entry;
      training.update(entry.step + 1, steps, describeStep(entry));
      await drawSamples(entry, trainer, board);
    },
    ceiling: (trainer) => measureCeiling(trainer, stepFlops),
    signal: stop.signal,
  };
  const { trainer, nextStep, stepCount } = await runRecipe(recipe, run, data, hooks, start);
  stop.release();
  if (nextStep === stepCount) return { trainer, last, steps };
  stop.finish(nextStep);
  return { trainer: null, last, steps };
}

function whereToLook({ samples }: Recipe, run: string, drawnWith: Parts | null): string {
  const board = `Curves: tensorboard --logdir ${join(run, "tensorboard")}`;
  if (samples === null || drawnWith === null) return board;
  return `${board}; sample grids, every ${samples.everySteps} steps: ${samplesFolder(run)}`;
}

/** Draws a grid after every so many steps. @throws DreamError `value` at once where a caption is too long */
function samplesHook(recipe: Recipe, run: string, drawnWith: Parts | null): RunHooks["onStep"] {
  const { samples } = recipe;
  if (samples === null || drawnWith === null) return () => {};
  for (const caption of samples.captions) checkCaption(drawnWith.captions, caption);
  return async ({ step }, trainer, board) => {
    const taken = step + 1;
    if (taken % samples.everySteps !== 0) return;
    const averaged = averagedModel(trainer, drawnWith, recipe);
    board.picture("samples", taken, await keepSamples(run, averaged, samples.captions, taken));
    averaged.model.dispose();
  };
}

/** Names the checkpoints that a run could not go on from. */
export function sayDamaged(damaged: readonly DamagedCheckpoint[]): void {
  for (const { name, reason } of damaged) say(`A checkpoint is damaged, and is kept as ${name}: ${reason}.`);
}

/** A step's losses and speed for the line of progress. */
export function describeStep(entry: JournalEntry): string {
  const { generativeLoss, contrastiveLoss, alignmentLoss, maskRatio, imagesPerSecond, ceilingShare } = entry;
  return [
    `generative ${generativeLoss.toFixed(3)}`,
    `contrastive ${contrastiveLoss.toFixed(3)}`,
    ...(alignmentLoss === null ? [] : [`alignment ${alignmentLoss.toFixed(3)}`]),
    `masked ${maskRatio.toFixed(2)}`,
    `${imagesPerSecond.toFixed(0)} images/s`,
    ...(ceilingShare === null ? [] : [`${(100 * ceilingShare).toFixed(0)}% of the ceiling`]),
  ].join("  ");
}
