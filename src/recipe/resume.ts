/** @file Where a run goes on: its newest whole checkpoint, if that belongs to the same recipe. */
import { isDeepStrictEqual } from "node:util";
import { DreamError } from "../errors.js";
import { setAside } from "../train/checkpoint-folder.js";
import type { RunNotes } from "../train/checkpoint-notes.js";
import { type DamagedCheckpoint, findCheckpoint, type SavedCheckpoint } from "../train/checkpoint-reader.js";
import { decisivePart, parseRecipe, type Recipe, recipeHash } from "./recipe.js";

/** What a run's checkpoints say of their recipe. */
export function notesOf(recipe: Recipe, processes: number): RunNotes {
  return { recipe, recipeHash: recipeHash(recipe), processes };
}

/** The checkpoint that a run goes on from; null where it begins. */
export interface Resumption {
  readonly checkpoint: SavedCheckpoint | null;
  /** Newer ones, under the names that they have from now on. */
  readonly damaged: readonly DamagedCheckpoint[];
}

/**
 * Finds the checkpoint that a run goes on from, and sets newer ones aside, which are damaged.
 * @param folder of all of the run's checkpoints
 * @throws DreamError `value` where it is another recipe's, `format` where all are damaged; the folder is left as it was
 */
export async function resumption(folder: string, recipe: Recipe): Promise<Resumption> {
  const { newest, damaged } = await findCheckpoint(folder);
  if (newest === null) return { checkpoint: null, damaged };
  checkRecipe(newest, recipe);
  const aside: DamagedCheckpoint[] = [];
  for (const { name, reason } of damaged) aside.push({ name: await setAside(folder, name), reason });
  return { checkpoint: newest, damaged: aside };
}

/** @throws DreamError `value` naming where the recipes differ */
function checkRecipe({ path, notes }: SavedCheckpoint, recipe: Recipe): void {
  const hash = recipeHash(recipe);
  if (notes.recipeHash === hash) return;
  const differences = differencesOf(decisivePart(parseRecipe(notes.recipe, path)), decisivePart(recipe));
  const rest = differences.length > listed ? ` and ${differences.length - listed} more` : "";
  throw new DreamError("value", {
    operation: `go on from ${path}`,
    expected: `a run of recipe ${hash}`,
    got: `one of recipe ${notes.recipeHash}, which differs in ${differences.slice(0, listed).join(", ")}${rest}`,
    hint: "choose another folder for this run, or remove that one",
  });
}

/** So many differences are told. */
const listed = 5;

/** Where two recipes differ, by path, with what each says there. */
export function differencesOf(there: unknown, here: unknown, path = ""): string[] {
  if (isDeepStrictEqual(there, here)) return [];
  if (!isObject(there) || !isObject(here)) return [`${path} (${brief(there)} there, ${brief(here)} here)`];
  const keys = new Set([...Object.keys(there), ...Object.keys(here)]);
  return [...keys].flatMap((key) =>
    differencesOf(there[key], here[key], path === "" ? key : `${path}.${key}`),
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}
