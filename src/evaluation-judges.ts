/** @file Who judges a model's drawings: Inception, CLIP and DINOv2 from files on this machine, or another model of ours. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DreamError } from "./errors.js";
import { clipJudge, dinoJudge } from "./evaluate/judges.js";
import { ownPairJudge, ownPictureJudge } from "./evaluate/own-judges.js";
import { inceptionReference } from "./evaluate/statistics-file.js";
import type { Judges, PairJudge, PictureJudge } from "./evaluate/subject.js";
import { Inception } from "./models/frozen/inception.js";
import { stateFile } from "./nn/index.js";
import type { LocateModel } from "./recipe/frozen-parts.js";
import { loadModel } from "./recipe/model-folder.js";
import type { Device } from "./tensor/index.js";

/** Where judges are found; null for those that are not asked. */
export interface JudgeLocations {
  /** Inception's weights under torch-fidelity's names, `.safetensors`. */
  readonly inception: string | null;
  /** Statistics of real pictures in Inception's features, or pictures: `.npz`. */
  readonly reference: string | null;
  /** A CLIP's folder or its name on the hub, or a model of ours. */
  readonly clip: string | null;
  /** A DINOv2's folder or its name on the hub, or a model of ours. */
  readonly encoder: string | null;
}

/** @throws DreamError where a file is no such judge's */
export async function openJudges(
  { inception: weights, reference, clip, encoder }: JudgeLocations,
  locate: LocateModel,
  device: Device,
): Promise<Judges> {
  if (reference !== null && weights === null)
    throw new DreamError("usage", {
      operation: `measure against ${reference}`,
      expected: "Inception's weights beside reference statistics",
      got: "none",
    });
  const inception = weights === null ? null : Inception.from(stateFile(weights), { device });
  return {
    inception,
    reference: reference === null ? null : await inceptionReference(reference, inception!),
    pairs: clip === null ? null : await pairJudge(clip, locate, device),
    encoder: encoder === null ? null : await pictureJudge(encoder, locate, device),
  };
}

async function pairJudge(name: string, locate: LocateModel, device: Device): Promise<PairJudge> {
  const folder = await locate(name, "weights");
  return isOurs(folder)
    ? ownPairJudge(name, await loadModel(folder, locate, device))
    : clipJudge(name, folder, { device });
}

async function pictureJudge(name: string, locate: LocateModel, device: Device): Promise<PictureJudge> {
  const folder = await locate(name, "weights");
  return isOurs(folder)
    ? ownPictureJudge(name, await loadModel(folder, locate, device))
    : dinoJudge(name, folder, { device });
}

/** Whether a folder's `config.json` is that of a model of ours. */
function isOurs(folder: string): boolean {
  try {
    const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as { model_type?: unknown };
    return config.model_type === "dream";
  } catch {
    return false;
  }
}
