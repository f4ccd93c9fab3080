/** @file A run's folder as it lies on disk: its recipe, its checkpoints, its parts. Tensors stay in their file. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DreamError } from "../errors.js";
import { writeAtomically } from "../formats/atomic.js";
import type { DreamConfig } from "../models/dream/config.js";
import { checkpointNames } from "../train/checkpoint-folder.js";
import { type DamagedCheckpoint, findCheckpoint, type SavedCheckpoint } from "../train/checkpoint-reader.js";
import { Journal, type JournalEntry } from "../train/journal.js";
import { loadParts, type Parts } from "./parts.js";
import { modelConfigFor, parseRecipe, type Recipe, recipeHash } from "./recipe.js";

export interface SavedRun {
  readonly folder: string;
  readonly recipe: Recipe;
  readonly config: DreamConfig;
  /** The newest that is whole. */
  readonly checkpoint: SavedCheckpoint;
  /** Newer ones. */
  readonly damaged: readonly DamagedCheckpoint[];
  /** Without their frozen models. */
  readonly parts: Parts;
  /** What the checkpoint's last step said of itself, where the journal has it. */
  readonly last: JournalEntry | undefined;
}

/** Where a run keeps its checkpoints. */
export const checkpointsFolder = "checkpoints";
const recipeFile = "recipe.json";

/** Whether a folder is a run's. */
export function isRun(folder: string): boolean {
  return checkpointNames(join(folder, checkpointsFolder)).length > 0 && existsSync(join(folder, recipeFile));
}

/** A run's recipe. @throws DreamError naming the file where it is missing or damaged */
export const recipeOfRun = (folder: string): Recipe => readSavedRecipe(join(folder, recipeFile));

/** @throws DreamError naming the file that is missing or damaged */
export async function openRun(folder: string): Promise<SavedRun> {
  const recipe = recipeOfRun(folder);
  const { newest: checkpoint, damaged } = await findCheckpoint(join(folder, checkpointsFolder));
  if (checkpoint === null)
    throw new DreamError("io", {
      operation: `open ${folder}`,
      expected: `a checkpoint in ${checkpointsFolder}/`,
      got: "none",
      hint: "name a run's folder",
    });
  const parts = await loadParts(folder, { ...recipe, sizePixels: recipe.data.sizePixels }, null);
  return {
    folder,
    recipe,
    config: modelConfigFor(recipe, parts.captions),
    checkpoint,
    damaged,
    parts,
    last: new Journal(join(folder, "metrics.jsonl"))
      .read()
      .find(({ step }) => step + 1 === checkpoint.notes.step),
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
