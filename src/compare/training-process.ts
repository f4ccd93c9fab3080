/**
 * @file One system of a comparison trained in a process of its own (see train-at-once.ts), in its run's folder, from where it stopped. It
 * talks to the process that started it through Node's channel, and saves and ends when that one says so or is gone.
 */
import { DreamError, type DreamErrorCode } from "../errors.js";
import { localModel } from "../recipe/model-folder.js";
import type { RecipeOf } from "../recipe/recipe.js";
import { runRecipe } from "../recipe/run.js";
import { prepareScenes } from "../recipe/scenes-data.js";
import { setThreadCount } from "../tensor/index.js";
import type { JournalEntry } from "../train/journal.js";

/** What is to be trained. */
export interface TrainingOrder {
  readonly recipe: RecipeOf<"scenes">;
  /** Where the run is kept. */
  readonly run: string;
  /** The scenes that all systems share; rendered by then. */
  readonly data: string;
}

/** What such a process is told when it starts: with so many threads. */
export interface ThreadedOrder extends TrainingOrder {
  readonly threads: number;
}

/** What it tells. */
export type TrainingWord =
  | { readonly kind: "started"; readonly firstStep: number }
  | { readonly kind: "step"; readonly entry: JournalEntry }
  | { readonly kind: "ended"; readonly isTrained: boolean }
  | { readonly kind: "failed"; readonly code: DreamErrorCode | null; readonly message: string };

/** A process whose starter is gone has nobody to tell. */
const tell = (word: TrainingWord): void => {
  if (process.connected) process.send!(word);
};

const stop = new AbortController();
const save = (): void => stop.abort();
// A terminal's Ctrl-C comes to every process of the group, and saving twice is saving once.
for (const event of ["disconnect", "SIGINT", "SIGTERM"]) process.on(event, save);

async function train({ recipe, run, data: folder, threads }: ThreadedOrder): Promise<void> {
  setThreadCount(threads);
  const data = await prepareScenes(recipe, folder, { locate: localModel, signal: stop.signal });
  const { nextStep, stepCount } = await runRecipe(recipe, run, data, {
    onStart: (firstStep) => tell({ kind: "started", firstStep }),
    onStep: (entry) => tell({ kind: "step", entry }),
    signal: stop.signal,
  });
  tell({ kind: "ended", isTrained: nextStep === stepCount });
}

process.once("message", async (order: ThreadedOrder) => {
  process.on("message", save);
  try {
    await train(order);
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) tell({ kind: "ended", isTrained: false });
    else if (error instanceof DreamError) tell({ kind: "failed", code: error.code, message: error.message });
    else
      tell({
        kind: "failed",
        code: null,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
  } finally {
    if (process.connected) process.disconnect();
  }
});
