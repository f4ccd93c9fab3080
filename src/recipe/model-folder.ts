/**
 * @file A model's folder, as a run leaves it and as it is published: `config.json` (the network, its parts, where it comes from),
 * `model.safetensors` (weights under the release's names), `generation_config.json` (how it draws), `preprocessor_config.json`
 * (its pictures), the parts that are its own (tokenizers, codec, words), and a card.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { DreamError } from "../errors.js";
import { writeAtomically } from "../formats/atomic.js";
import { DreamModel } from "../models/dream/dream.js";
import { pytorchName, pytorchState } from "../models/dream/pytorch-names.js";
import { loadState, type NamedTensor, stateFile } from "../nn/index.js";
import { type Device, noGrad } from "../tensor/index.js";
import type { Trainer } from "../train/trainer.js";
import type { LocateModel } from "./frozen-parts.js";
import { modelCard } from "./model-card.js";
import {
  type configSchema,
  type ModelDescription,
  type ModelOrigin,
  type preprocessorSchema,
  readModelDescription,
} from "./model-description.js";
import { checkParts, loadParts, type Parts, saveParts } from "./parts.js";
import type { Recipe } from "./recipe.js";

/** A trained model with what turns words and pictures into its inputs and back. */
export interface TrainedModel extends Parts {
  readonly model: DreamModel;
  readonly drawing: Recipe["drawing"];
}

/** The weights' file in a folder. */
export const weightsFile = "model.safetensors";

/** What libraries look for in a weights file's header. */
export const weightsMetadata = { format: "pt" } as const;

/** Writes a folder; each file is whole or absent. @param writeWeights weights and buffers under the release's names, to a path */
export async function saveModel(
  folder: string,
  description: ModelDescription,
  parts: Parts,
  writeWeights: (path: string) => Promise<void>,
): Promise<void> {
  const { origin, model, codec, captions, drawing, sizePixels } = description;
  await writeWeights(join(folder, weightsFile));
  await saveParts(folder, parts);
  await writeJson(join(folder, "generation_config.json"), drawing);
  await writeJson(join(folder, "preprocessor_config.json"), {
    crop: "adm-centre-crop",
    size: { height: sizePixels, width: sizePixels },
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
  } satisfies z.input<typeof preprocessorSchema>);
  await writeText(join(folder, "README.md"), modelCard(description));
  await writeJson(join(folder, "config.json"), {
    model_type: "dream",
    origin,
    model,
    codec,
    captions,
  } satisfies z.input<typeof configSchema>);
}

/**
 * Opens a model.
 * @param name its folder, or what `locate` finds it by
 * @param locate finds it, and the frozen models that its folder names
 * @param device where the network and the frozen models compute
 * @throws DreamError naming the file that is missing or damaged
 */
export async function loadModel(
  name: string,
  locate: LocateModel = localModel,
  device: Device = "cpu",
): Promise<TrainedModel> {
  const folder = await locate(name, "dream");
  const description = readModelDescription(folder);
  const parts = await loadParts(folder, description, locate, { device, dtype: "float32" });
  checkParts(parts, description.model, description.sizePixels);
  const model = new DreamModel(description.model, device);
  loadState(pytorchState(model), stateFile(join(folder, weightsFile)));
  model.setMode("eval");
  // Who was not trained to embed cannot choose.
  const candidates = model.config.lossWeights.contrastive > 0 ? description.drawing.candidates : 1;
  return { ...parts, model, drawing: { ...description.drawing, candidates } };
}

/** Frees a model and its parts. */
export function disposeModel({ model, codec, captions }: TrainedModel): void {
  model.dispose();
  codec.dispose();
  captions.dispose();
}

/** Finds models by path alone. */
export const localModel: LocateModel = async (name, files) => {
  if (statSync(name, { throwIfNoEntry: false })?.isDirectory()) return name;
  throw new DreamError("io", {
    operation: `open ${name}`,
    expected: files === "dream" ? "a model's folder" : "a frozen model's folder",
    got: "no such folder",
    hint: "the commands find models on the hub; a program passes a way to locate them",
  });
};

/** A trainer's weights under the release's names: averaged or as they are, and its buffers. */
export function weightsOf(trainer: Trainer, weights: ModelOrigin["weights"]): NamedTensor[] {
  const averages = new Map(weights === "ema" ? trainer.average.state() : []);
  return [...trainer.model.namedTensors()].map(([path, tensor]) => [
    pytorchName(path),
    averages.get(path) ?? tensor,
  ]);
}

/** A model of the averages as they stand, apart from the one in training. */
export function averagedModel(trainer: Trainer, parts: Parts, { drawing }: Recipe): TrainedModel {
  const averages = new Map(weightsOf(trainer, "ema"));
  const model = new DreamModel(trainer.model.config);
  noGrad(() => {
    for (const [name, tensor] of pytorchState(model)) tensor.copy_(averages.get(name)!);
  });
  model.setMode("eval");
  return { codec: parts.codec, captions: parts.captions, model, drawing };
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeText(path, `${JSON.stringify(value, null, 2)}\n`);

const writeText = (path: string, text: string): Promise<void> =>
  writeAtomically(path, (file) => file.writeFile(text));
