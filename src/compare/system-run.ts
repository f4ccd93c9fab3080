/** @file A system's run within a comparison's folder: its recipe, its place, and how far it is. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { weightsFile } from "../recipe/model-folder.js";
import { type RecipeOf, stepsOf } from "../recipe/recipe.js";
import { Journal } from "../train/journal.js";
import type { System } from "./comparison.js";

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
