/** @file A training run's whole state in one safetensors file, so that a resumed run goes on as if it had not stopped. */
import { DreamError } from "../errors.js";
import { openSafetensors } from "../formats/safetensors.js";
import { fileState, loadState, type NamedTensor, writeState } from "../nn/index.js";
import type { Trainer } from "./trainer.js";

const prefixed = (prefix: string, state: readonly NamedTensor[]): NamedTensor[] =>
  state.map(([name, tensor]) => [`${prefix}.${name}`, tensor]);

/** Everything that the next step depends on. */
function stateOf({ model, optimiser, average }: Trainer): NamedTensor[] {
  return [
    ...prefixed("model", [...model.namedTensors()]),
    ...prefixed("ema", average.state()),
    ...prefixed("optimiser", optimiser.state()),
  ];
}

/**
 * Writes a checkpoint atomically.
 * @param step the step that comes next
 * @param recipeHash of the recipe that the run follows
 */
export async function saveCheckpoint(
  path: string,
  trainer: Trainer,
  step: number,
  recipeHash: string,
): Promise<void> {
  const metadata = { step: String(step), optimiserSteps: String(trainer.optimiser.stepCount), recipeHash };
  await writeState(path, stateOf(trainer), metadata);
}

/**
 * Puts a checkpoint's state into a trainer.
 * @returns the step that comes next
 * @throws DreamError where the file is damaged, does not fit, or belongs to another recipe
 */
export function loadCheckpoint(path: string, trainer: Trainer, recipeHash: string): number {
  const file = openSafetensors(path);
  if (file.metadata.recipeHash !== recipeHash)
    throw new DreamError("value", {
      operation: `resume from ${path}`,
      expected: `a run of recipe ${recipeHash}`,
      got: `one of recipe ${file.metadata.recipeHash ?? "unknown"}`,
      hint: "choose another folder for this run, or remove that one",
    });
  loadState(stateOf(trainer), fileState(file));
  trainer.optimiser.stepCount = Number(file.metadata.optimiserSteps);
  return Number(file.metadata.step);
}
