/**
 * @file A run or a model's folder as a checkpoint of the release (`.pth`). Tensors go from file to file one at a time, unchanged to the bit.
 */
import { join } from "node:path";
import { OrderedDict, type PickleKey, type PickleValue } from "../formats/pickle/value.js";
import { openSafetensors, type SafetensorsEntry } from "../formats/safetensors.js";
import { TorchTensor } from "../formats/torch/tensor.js";
import { writeTorchFile } from "../formats/torch/torch-file.js";
import { DreamModel } from "../models/dream/dream.js";
import { settingsOfConfig } from "../models/dream/release-settings.js";
import { argsOf, releaseCheckpointOf, runStateOf } from "../train/release-checkpoint.js";
import { readModelDescription } from "./model-description.js";
import { weightsFile } from "./model-folder.js";
import type { SavedRun } from "./saved-run.js";

/** Where a run of ours leaves in a release's checkpoint what only it needs: its recipe and step. */
export const ownKey = "dream";

/**
 * Writes a run, from which the release can go on, and ours bit for bit.
 * @throws DreamError for what the release does not have: Muon, words embedded along, velocity prediction
 */
export async function releaseOfRun(
  { recipe, config, checkpoint, last }: SavedRun,
  to: string,
): Promise<void> {
  const value = releaseCheckpointOf(new DreamModel(config, "meta"), runStateOf(checkpoint), {
    optimiser: recipe.optimiser,
    learningRate: last?.learningRate ?? recipe.learningRate.peak,
    epoch: Math.floor(last?.epoch ?? 0),
    settings: settingsOfConfig(config),
  });
  const own: [PickleKey, PickleValue][] = [
    ["recipe", JSON.stringify(recipe)],
    ["step", checkpoint.notes.step],
  ];
  value.set(ownKey, new Map(own));
  await writeTorchFile(to, value);
}

/** Writes a model that is not trained on: `model`, and as `model_ema` the same where the weights are averages. */
export async function releaseOfModel(folder: string, to: string): Promise<void> {
  const { model, origin } = readModelDescription(folder);
  const { tensors } = openSafetensors(join(folder, weightsFile));
  const dict = new OrderedDict([...tensors].map(([name, entry]) => [name, stored(entry)]));
  await writeTorchFile(
    to,
    new Map<PickleKey, PickleValue>([
      ["model", dict],
      ...(origin.weights === "ema" ? [["model_ema", dict] as const] : []),
      ["args", argsOf(settingsOfConfig(model))],
    ]),
  );
}

function stored({ dtype, shape, bytes }: SafetensorsEntry): TorchTensor {
  return new TorchTensor(dtype, shape, bytes);
}
