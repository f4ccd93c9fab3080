/**
 * @file A model's parts beside the network itself: what turns pictures into latents, and captions into ids and states. Some are
 * learned from the training data and kept in the model's folder; the paper's are frozen models that are named there.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DreamError } from "../errors.js";
import type { CaptionReader } from "../features/caption-reader.js";
import { PatchCodec } from "../features/patch-codec.js";
import type { PictureCodec } from "../features/picture-codec.js";
import { pixelsOf } from "../features/pixels.js";
import { T5Captions } from "../features/t5-captions.js";
import { VaeCodec } from "../features/vae-codec.js";
import { WordCaptions } from "../features/word-captions.js";
import { writeAtomically } from "../formats/atomic.js";
import type { Picture } from "../formats/images.js";
import type { DreamConfig } from "../models/dream/config.js";
import { WordTokenizer } from "../text/words.js";
import {
  copyTokenizer,
  type FrozenPlace,
  type LocateModel,
  onCpu,
  openT5,
  openVae,
  type PartsDescription,
} from "./frozen-parts.js";
import type { Recipe } from "./recipe.js";

/** A model's parts beside its network. */
export interface Parts {
  readonly codec: PictureCodec;
  readonly captions: CaptionReader;
}

/** Pictures of the training size, and captions, that parts are learned from. */
export interface Examples {
  readonly pictures: readonly Picture[];
  readonly captions: readonly string[];
}

/** Pictures that a codec is fitted to, at most. */
export const fittedPictures = 2000;

/** Where a model's folder keeps its parts. */
const codecFile = "codec.safetensors";
const wordsFile = "words.json";
const clipFolder = "tokenizer";
const t5Folder = "tokenizer_2";

/**
 * Parts at the beginning of a run: frozen models opened, the others learned.
 * @param examples asked for where something is to be learned
 */
export async function makeParts(
  description: PartsDescription,
  model: DreamConfig,
  locate: LocateModel,
  examples: () => Promise<Examples>,
  place: FrozenPlace = onCpu,
): Promise<Parts> {
  const { codec, captions } = description;
  const learned =
    codec.kind === "patches" || captions.kind === "words" ? await examples() : { pictures: [], captions: [] };
  const { contextLength } = model.textTower;
  return {
    codec: codec.kind === "vae" ? await openVae(codec, locate, place) : fitCodec(codec, learned.pictures),
    captions:
      captions.kind === "words"
        ? new WordCaptions(WordTokenizer.fromCaptions(learned.captions, contextLength, captions.most))
        : await openT5(
            captions,
            model,
            {
              clip: await locate(captions.tokenizer, "tokenizer"),
              t5: await locate(captions.model, "tokenizer"),
              weights: await locate(captions.model, "weights"),
            },
            place,
          ),
  };
}

/** Keeps in a model's folder what {@link loadParts} needs beside the frozen models' weights. */
export async function saveParts(folder: string, { codec, captions }: Parts): Promise<void> {
  if (codec instanceof PatchCodec) await codec.save(join(folder, codecFile));
  if (captions instanceof WordCaptions) {
    const text = `${JSON.stringify(captions.tokenizer.words)}\n`;
    await writeAtomically(join(folder, wordsFile), (file) => file.writeFile(text));
  }
  if (captions instanceof T5Captions) {
    await copyTokenizer(captions.folders.clip, join(folder, clipFolder));
    await copyTokenizer(captions.folders.t5, join(folder, t5Folder));
  }
}

/** The files in a model's folder that {@link loadParts} reads there; of several names in one place one is enough. */
export function partFiles({ codec, captions }: PartsDescription): (string | string[])[] {
  const tokenizer = (folder: string): string[] => [`${folder}/tokenizer.json`, `${folder}/spiece.model`];
  return [
    ...(codec.kind === "patches" ? [codecFile] : []),
    ...(captions.kind === "words" ? [wordsFile] : [tokenizer(clipFolder), tokenizer(t5Folder)]),
  ];
}

/**
 * Opens the parts that a folder keeps or names.
 * @param sizePixels of the model's pictures
 * @param locate finds the frozen models; null leaves them closed, for training from a cache
 */
export async function loadParts(
  folder: string,
  {
    codec,
    captions,
    model,
    sizePixels,
  }: PartsDescription & { readonly model: DreamConfig; readonly sizePixels: number },
  locate: LocateModel | null,
  place: FrozenPlace = onCpu,
): Promise<Parts> {
  const closed = { stride: sizePixels / model.latent.side, channels: model.latent.channels };
  return {
    codec:
      codec.kind === "patches"
        ? PatchCodec.load(join(folder, codecFile))
        : locate === null
          ? new VaeCodec("closed", codec.scale, closed, null)
          : await openVae(codec, locate, place),
    captions:
      captions.kind === "words"
        ? new WordCaptions(new WordTokenizer(readWords(folder), model.textTower.contextLength))
        : await openT5(
            captions,
            model,
            {
              clip: join(folder, clipFolder),
              t5: join(folder, t5Folder),
              weights: locate === null ? null : await locate(captions.model, "weights"),
            },
            place,
          ),
  };
}

/**
 * The parts of a recipe whose parts are all frozen models, which stay closed: for whoever only hands them on.
 * @throws DreamError `value` where some are learned from data
 */
export async function closedParts(
  { name, codec, captions, model, data }: Recipe,
  locate: LocateModel,
): Promise<Parts> {
  if (codec.kind !== "vae" || captions.kind !== "t5")
    throw new DreamError("value", {
      operation: `find the parts of recipe ${name}`,
      expected: "frozen models",
      got: "a codec or words that were learned from data",
      hint: "name the folder of a model or run that has them with --parts",
    });
  const stride = data.sizePixels / model.latent.side;
  return {
    codec: new VaeCodec("closed", codec.scale, { stride, channels: model.latent.channels }, null),
    captions: await openT5(
      captions,
      model,
      {
        clip: await locate(captions.tokenizer, "tokenizer"),
        t5: await locate(captions.model, "tokenizer"),
        weights: null,
      },
      onCpu,
    ),
  };
}

/** Whether a frozen model among the parts was left closed, so that nothing can be drawn. */
export function areClosed({ codec, captions }: Parts): boolean {
  return (
    (codec instanceof VaeCodec && codec.isClosed) ||
    (captions instanceof T5Captions && captions.encoder === null)
  );
}

/** @throws DreamError `value` where the parts' sizes are not the model's, or not each other's */
export function checkParts({ codec, captions }: Parts, model: DreamConfig, sizePixels: number): void {
  const { latent, textTower, captions: told } = model;
  const encoder = captions instanceof T5Captions ? captions.encoder : null;
  const problems: string[] = [];
  const demand = (fits: boolean, problem: string): void => {
    if (!fits) problems.push(problem);
  };
  demand(
    codec.channels === latent.channels,
    `latents have ${latent.channels} channels, the codec gives ${codec.channels}`,
  );
  demand(
    latent.side * codec.stride === sizePixels,
    `latents of ${latent.side} a side are ${latent.side * codec.stride} pixels with this codec, the pictures have ${sizePixels}`,
  );
  demand(
    captions.vocabularySize <= textTower.vocabulary,
    `the text tower has ${textTower.vocabulary} tokens, the tokenizer ${captions.vocabularySize}`,
  );
  if (encoder !== null && captions instanceof T5Captions) {
    const known = encoder.tokenEmbedding.weight.size(0);
    demand(
      encoder.width === told.width,
      `captions have states of width ${told.width}, the T5 gives ${encoder.width}`,
    );
    demand(
      captions.t5.vocabularySize <= known,
      `the T5 has ${known} tokens, its tokenizer ${captions.t5.vocabularySize}`,
    );
  }
  if (problems.length > 0)
    throw new DreamError("value", {
      operation: "put a model and its parts together",
      message: problems.join("; "),
      hint: "correct the recipe's model, or name other parts",
    });
}

function fitCodec(
  config: Extract<PartsDescription["codec"], { kind: "patches" }>,
  pictures: readonly Picture[],
): PatchCodec {
  const pixels = pixelsOf(pictures.slice(0, fittedPictures));
  try {
    return PatchCodec.fit(pixels, config);
  } finally {
    pixels.dispose();
  }
}

function readWords(folder: string): string[] {
  const path = join(folder, wordsFile);
  try {
    return z.array(z.string()).parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", { operation: `read ${path}`, message, cause });
  }
}
