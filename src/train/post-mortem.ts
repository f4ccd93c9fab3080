/** @file What is kept of a step whose losses or gradients are no numbers, to find out why. */
import { join } from "node:path";
import { DreamError } from "../errors.js";
import { writeAtomically } from "../formats/atomic.js";
import { writeState } from "../nn/index.js";
import { stateOf } from "./checkpoint.js";
import type { NonFiniteStep } from "./non-finite.js";
import { learningRateAt } from "./schedules.js";
import type { Trainer } from "./trainer.js";

/**
 * Keeps `batch.json` and `state.safetensors` (parameters, averages, optimiser) in a folder of the step's own.
 * @param folder for all such steps
 * @returns the error to stop with, which says where they are
 */
export async function keepNonFinite(
  folder: string,
  error: NonFiniteStep,
  samples: readonly { readonly number: number; readonly key: string }[],
  trainer: Trainer,
): Promise<DreamError> {
  const { figures, place } = error;
  const learningRate = learningRateAt(trainer.config.learningRate, place.epoch);
  const own = join(folder, `step-${String(place.step).padStart(8, "0")}`);
  let kept = `the samples and the state are in ${own}`;
  try {
    const text = `${toJson({ ...place, learningRate, ...figures, samples })}\n`;
    await writeAtomically(join(own, "batch.json"), (file) => file.writeFile(text));
    const counts = { step: String(place.step), optimiserSteps: String(trainer.optimiser.stepCount) };
    await writeState(join(own, "state.safetensors"), stateOf(trainer), counts);
  } catch (cause) {
    kept = `the state could not be kept (${cause instanceof Error ? cause.message : String(cause)})`;
  }
  return new DreamError("non-finite", {
    operation: error.operation,
    expected: error.expected!,
    got: error.got!,
    hint: `${kept}; the last checkpoint is as it was. Try a lower learningRate.peak or optimiser.clip, float32 as precision, or leave out a sample that is damaged`,
    cause: error,
  });
}

/** JSON has no NaN: what is not finite is written in words. */
function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, one) => (typeof one === "number" && !Number.isFinite(one) ? String(one) : one),
    2,
  );
}
