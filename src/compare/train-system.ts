/** @file One system of a comparison trained on the data that all of them share, in a run's folder, from where it stopped. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { weightsFile } from "../recipe/model-folder.js";
import { type RecipeOf, stepsOf } from "../recipe/recipe.js";
import { runRecipe } from "../recipe/run.js";
import type { SceneData } from "../recipe/scenes-data.js";
import { Journal, type JournalEntry } from "../train/journal.js";
import type { System } from "./comparison.js";

export interface TrainingHooks {
  readonly onStart: (firstStep: number, stepCount: number) => void;
  readonly onStep: (entry: JournalEntry, stepCount: number) => void;
  /** Ends the training after the step under way; what is done is kept. */
  readonly signal: AbortSignal;
}

/** A system's recipe for a seed: initialisation, masks, noise and the order of the samples follow it. */
export const seeded = ({ recipe, seedOffset }: System, seed: number): RecipeOf<"scenes"> => ({
  ...recipe,
  seed: seed + seedOffset,
});

export const runFolder = (folder: string, system: string, seed: number): string =>
  join(folder, "runs", `${system}-${seed}`);

/** Whether a system's training has come to its end. */
export function isTrained(folder: string, system: System, seed: number): boolean {
  const run = runFolder(folder, system.name, seed);
  const { recipe } = system;
  const last = new Journal(join(run, "metrics.jsonl")).read().at(-1);
  return existsSync(join(run, weightsFile)) && last?.step === stepsOf(recipe, recipe.data.train) - 1;
}

/** Time that a run's steps took, in seconds. */
export function trainingSeconds(folder: string, system: string, seed: number): number {
  const entries = new Journal(join(runFolder(folder, system, seed), "metrics.jsonl")).read();
  return entries.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** @returns whether it came to its end */
export async function trainSystem(
  folder: string,
  system: System,
  seed: number,
  data: SceneData,
  { onStart, onStep, signal }: TrainingHooks,
): Promise<boolean> {
  const recipe = seeded(system, seed);
  const stepCount = stepsOf(recipe, data.train.count);
  const { trainer, nextStep } = await runRecipe(recipe, runFolder(folder, system.name, seed), data, {
    onStart: (firstStep) => onStart(firstStep, stepCount),
    onStep: (entry) => onStep(entry, stepCount),
    signal,
  });
  trainer.dispose();
  trainer.model.dispose();
  return nextStep === stepCount;
}
