/** @file A run's folder as it lies on disk: its recipe, its checkpoint, its parts. Tensors stay in their file. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DreamError } from "../errors.js";
import { writeAtomically } from "../formats/atomic.js";
import { openSafetensors, type SafetensorsFile } from "../formats/safetensors.js";
import type { DreamConfig } from "../models/dream/config.js";
import { Journal, type JournalEntry } from "../train/journal.js";
import { loadParts, type Parts } from "./parts.js";
import { modelConfigFor, parseRecipe, type Recipe, recipeHash } from "./recipe.js";

export interface SavedRun {
  readonly folder: string;
  readonly recipe: Recipe;
  readonly config: DreamConfig;
  readonly checkpoint: SafetensorsFile;
  /** Without their frozen models. */
  readonly parts: Parts;
  /** Steps that were taken. */
  readonly steps: number;
  /** What the last step said of itself, where the journal has it. */
  readonly last: JournalEntry | undefined;
}

export const checkpointFile = "checkpoint.safetensors";
const recipeFile = "recipe.json";

/** Whether a folder is a run's. */
export function isRun(folder: string): boolean {
  return existsSync(join(folder, checkpointFile)) && existsSync(join(folder, recipeFile));
}

/** @throws DreamError naming the file that is missing or damaged */
export async function openRun(folder: string): Promise<SavedRun> {
  const recipe = readSavedRecipe(join(folder, recipeFile));
  const checkpoint = openSafetensors(join(folder, checkpointFile));
  const parts = await loadParts(folder, { ...recipe, sizePixels: recipe.data.sizePixels }, null);
  return {
    folder,
    recipe,
    config: modelConfigFor(recipe, parts.captions),
    checkpoint,
    parts,
    steps: Number(checkpoint.metadata.step),
    last: new Journal(join(folder, "metrics.jsonl")).read().at(-1),
  };
}

/** Keeps a run's recipe in its folder, with its hash. */
export async function writeRecipe(folder: string, recipe: Recipe): Promise<void> {
  const text = `${JSON.stringify({ hash: recipeHash(recipe), ...recipe }, null, 2)}\n`;
  await writeAtomically(join(folder, recipeFile), (file) => file.writeFile(text));
}

function readSavedRecipe(path: string): Recipe {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", {
      operation: `read ${path}`,
      message,
      hint: "name a run's folder",
      cause,
    });
  }
  const { hash: _, ...recipe } = value as Record<string, unknown>;
  return parseRecipe(recipe, path);
}
