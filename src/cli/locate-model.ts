/** @file Where the commands find frozen models: a folder, or the hub's cache, downloaded there once. */
import { resolveModel, type WantedFile } from "../hub/resolve-model.js";
import type { LocateModel } from "../recipe/frozen-parts.js";
import { hubOptions } from "./hub-options.js";
import { Progress } from "./progress.js";

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
};

/** Without a download. @throws DreamError where something is not on this machine */
export const locateKept: LocateModel = (name, files) =>
  resolveModel(name, { ...hubOptions(), offline: true, files: wanted[files] });

/** @throws DreamError saying what is missing and how to have it */
export const locateModel: LocateModel = (name, files) => {
  const progress = new Progress(`Downloading ${name}`);
  return resolveModel(name, {
    ...hubOptions(),
    files: wanted[files],
    onDownload: ({ file, doneBytes, totalBytes }) => progress.update(doneBytes, totalBytes, file),
  });
};
