/** @file A training run's whole state in one safetensors file, so that a resumed run goes on as if it had not stopped. */
import { DreamError } from "../errors.js";
import { openSafetensors } from "../formats/safetensors.js";
import { loadState, type NamedTensor, readTensor, type StateSource, writeState } from "../nn/index.js";
import { Generator, noGrad, scope } from "../tensor/index.js";
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
  const random: NamedTensor[] = [
    ["random.training", trainer.random.state],
    ["random.default", Generator.ofDevice("cpu").state],
  ];
  try {
    const metadata = { step: String(step), optimiserSteps: String(trainer.optimiser.stepCount), recipeHash };
    await writeState(path, [...stateOf(trainer), ...random], metadata);
  } finally {
    for (const [, tensor] of random) tensor.dispose();
  }
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
  const shapes = new Map(
    [...file.tensors]
      .filter(([name]) => !name.startsWith("random."))
      .map(([name, { shape }]) => [name, shape]),
  );
  const source: StateSource = { name: path, shapes, read: (name) => readTensor(file, name) };
  loadState(stateOf(trainer), source);
  noGrad(() =>
    scope(() => {
      trainer.random.state = readTensor(file, "random.training");
      Generator.ofDevice("cpu").state = readTensor(file, "random.default");
    }),
  );
  trainer.optimiser.stepCount = Number(file.metadata.optimiserSteps);
  return Number(file.metadata.step);
}
