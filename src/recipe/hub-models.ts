/** @file Models by their names: a folder, or the hub's cache, downloaded there once. */
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DreamError } from "../errors.js";
import { type HubOptions, type OnDownload, resolveModel, type WantedFile } from "../hub/resolve-model.js";
import type { LocateModel } from "./frozen-parts.js";
import { readModelDescription } from "./model-description.js";
import { weightsFile } from "./model-folder.js";
import { partFiles } from "./parts.js";

const wanted: Readonly<Record<Parameters<LocateModel>[1], readonly WantedFile[]>> = {
  weights: [
    "config.json",
    [
      "model.safetensors",
      "model.safetensors.index.json",
      "diffusion_pytorch_model.safetensors",
      "diffusion_pytorch_model.safetensors.index.json",
    ],
  ],
  tokenizer: [["tokenizer.json", "spiece.model"]],
  dream: ["config.json", "generation_config.json", "preprocessor_config.json", weightsFile],
};

/** How models are found that are named, and where they are downloaded to. @returns a way that throws DreamError saying what is missing and how to have it */
export function hubModels(
  hub: HubOptions,
  onDownload: (model: string) => OnDownload = () => () => {},
): LocateModel {
  return async (name, files) => {
    const told = { ...hub, onDownload: onDownload(name) };
    if (files !== "dream") return resolveModel(name, { ...told, files: wanted[files] });
    requireModelFolder(name);
    const folder = await resolveModel(name, { ...told, files: wanted.dream }).catch((error: unknown) => {
      throw error instanceof DreamError ? neither(name, error) : error;
    });
    // What else there is depends on what the model is.
    const parts = partFiles(readModelDescription(folder));
    return parts.length === 0 ? folder : resolveModel(name, { ...told, files: parts });
  };
}

/** Where the hub has it not, a folder may have been meant. */
const neither = (name: string, cause: DreamError): DreamError =>
  new DreamError(cause.code, {
    operation: `open ${name}`,
    expected: "a model's folder, or a model of the hub",
    got: `no such folder, and from the hub: ${cause.message}`,
    hint: folderHint,
    cause,
  });

const folderHint = "name a model's folder or a run's; `npm run demo` leaves one in runs/demo";

/** A path to nothing looks like a name on the hub; where its parent is a folder, a path is what was meant. */
function requireModelFolder(name: string): void {
  if (statSync(name, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(name);
  if (parent === "." || !existsSync(parent)) return;
  throw new DreamError("io", {
    operation: `open ${name}`,
    expected: "a model's folder",
    got: "no such folder",
    hint: folderHint,
  });
}
