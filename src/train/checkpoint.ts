/** @file A training run's whole state by name, so that a resumed run goes on as if it had not stopped. */
import { fileState, loadState, type NamedTensor } from "../nn/index.js";
import type { SavedCheckpoint } from "./checkpoint-reader.js";
import type { Trainer } from "./trainer.js";

const prefixed = (prefix: string, state: readonly NamedTensor[]): NamedTensor[] =>
  state.map(([name, tensor]) => [`${prefix}.${name}`, tensor]);

/** Everything that the next step depends on, beside its number. */
export function stateOf({ model, optimiser, average }: Trainer): NamedTensor[] {
  return [
    ...prefixed("model", [...model.namedTensors()]),
    ...prefixed("ema", average.state()),
    ...prefixed("optimiser", optimiser.state()),
  ];
}

/**
 * Puts a checkpoint's state into a trainer.
 * @returns the step that comes next
 * @throws DreamError `state` where it does not fit
 */
export function loadCheckpoint({ state, notes }: SavedCheckpoint, trainer: Trainer): number {
  loadState(stateOf(trainer), fileState(state));
  trainer.optimiser.stepCount = notes.optimiserSteps;
  return notes.step;
}
