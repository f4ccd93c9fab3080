/** @file Where the commands find models: a folder, or the hub's cache, downloaded there once. */
import type { LocateModel } from "../recipe/frozen-parts.js";
import { hubModels } from "../recipe/hub-models.js";
import { hubOptions } from "./hub-options.js";
import { Progress } from "./progress.js";

/** Without a download. @throws DreamError where something is not on this machine */
export const locateKept: LocateModel = (name, files) =>
  hubModels({ ...hubOptions(), offline: true })(name, files);

/** @throws DreamError saying what is missing and how to have it */
export const locateModel: LocateModel = (name, files) =>
  hubModels(hubOptions(), (model) => {
    const progress = new Progress(`Downloading ${model}`);
    return ({ file, doneBytes, totalBytes }) => progress.update(doneBytes, totalBytes, file);
  })(name, files);
