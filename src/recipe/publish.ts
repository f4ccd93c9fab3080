/** @file A run's model as a folder of its own, to be kept, given away or put on a hub. */
import { DreamModel } from "../models/dream/dream.js";
import { pytorchName } from "../models/dream/pytorch-names.js";
import { type StoredTensor, writeStored } from "../nn/index.js";
import { describeModel, type ModelOrigin } from "./model-description.js";
import { saveModel, weightsMetadata } from "./model-folder.js";
import type { SavedRun } from "./saved-run.js";

/** Writes a run's model as a folder that others load. @param weights which of the run's: averaged, or as its last step left them */
export async function publishRun(
  { recipe, config, checkpoint, parts }: SavedRun,
  to: string,
  weights: ModelOrigin["weights"],
): Promise<void> {
  const model = new DreamModel(config, "meta");
  const averaged = new Set(weights === "ema" ? model.parameters().map(([path]) => path) : []);
  const tensors = [...model.namedTensors()].map(([path]): [string, StoredTensor] => [
    pytorchName(path),
    checkpoint.state.tensors.get(`${averaged.has(path) ? "ema" : "model"}.${path}`)!,
  ]);
  const description = describeModel(recipe, config, { steps: checkpoint.notes.step, weights });
  await saveModel(to, description, parts, (path) => writeStored(path, new Map(tensors), weightsMetadata));
}
