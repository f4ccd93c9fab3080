/** @file A step whose losses are no numbers: it stops training, and what it was made of is kept, to find out why. */
import { join } from "node:path";
import { DreamError } from "../errors.js";
import { writeAtomically } from "../formats/atomic.js";

/** What a step came to that cannot be gone on with. */
export interface LossesAtFault {
  readonly generative: number;
  readonly contrastive: number;
  readonly total: number;
  readonly gradientNorm: number;
}

/** Thrown by a training step before it changes any parameter. */
export class NonFiniteLoss extends DreamError {
  /** @param maskRatio the batch's @param epoch fractional */
  constructor(
    readonly losses: LossesAtFault,
    readonly maskRatio: number,
    readonly epoch: number,
  ) {
    super("non-finite", {
      operation: "training step",
      expected: "finite losses and gradients",
      got: `generative ${losses.generative}, contrastive ${losses.contrastive}, gradient norm ${losses.gradientNorm} at epoch ${epoch.toFixed(3)}`,
      hint: "lower the learning rate and start the run again; its last checkpoint is as it was",
    });
  }
}

/** What is known of a step. */
export interface StepMakings {
  readonly step: number;
  readonly learningRate: number;
  readonly samples: readonly { readonly number: number; readonly key: string }[];
}

/**
 * Keeps `batch.json` and `state.safetensors` in a folder of the step's own.
 * @param folder for all such steps
 * @param saveState writes parameters, averages and optimiser to a path
 * @returns the error to stop with, which says where they are
 */
export async function keepNonFinite(
  folder: string,
  error: NonFiniteLoss,
  { step, learningRate, samples }: StepMakings,
  saveState: (path: string) => Promise<void>,
): Promise<DreamError> {
  const { losses, maskRatio, epoch } = error;
  const place = join(folder, `step-${String(step).padStart(8, "0")}`);
  const batch = { step, epoch, learningRate, maskRatio, losses, samples };
  let kept = `the samples and the state are in ${place}`;
  try {
    await writeAtomically(join(place, "batch.json"), (file) => file.writeFile(`${toJson(batch)}\n`));
    await saveState(join(place, "state.safetensors"));
  } catch (cause) {
    kept = `the state could not be kept (${cause instanceof Error ? cause.message : String(cause)})`;
  }
  return new DreamError("non-finite", {
    operation: `training step ${step}`,
    expected: "finite losses and gradients",
    got: error.got ?? "",
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
