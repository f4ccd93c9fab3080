/** @file A training run's whole state by name, so that a resumed run goes on as if it had not stopped. */
import { fileState, loadState, type NamedTensor } from "../nn/index.js";
import { scope, tensor } from "../tensor/index.js";
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
 * Gives all processes of a team the first one's state.
 * @param step that comes next there @returns the same everywhere
 */
export function shareState(trainer: Trainer, step: number): number {
  const { team, optimiser, model } = trainer;
  if (team.size === 1) return step;
  return scope(() => {
    const counts = tensor([step, optimiser.stepCount], [2], { dtype: "int64", device: model.device });
    team.share([counts, ...stateOf(trainer).map(([, state]) => state)]);
    const [shared, optimiserSteps] = counts.toNumbers() as [number, number];
    optimiser.stepCount = optimiserSteps;
    return shared;
  });
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
