/**
 * @file A model's parts beside the network itself: what turns pictures into latents, and captions into ids and states. Some are
 * learned from the training data and kept in the model's folder; the paper's are frozen models that are named there.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
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
import { fingerprintFiles } from "../formats/fingerprint.js";
import type { Picture } from "../formats/images.js";
import type { DreamConfig } from "../models/dream/config.js";
import { openPretrained } from "../models/frozen/pretrained.js";
import { T5Encoder } from "../models/frozen/t5.js";
import { AutoencoderKl } from "../models/frozen/vae.js";
import { ClipTokenizer } from "../text/clip-tokenizer.js";
import { T5Tokenizer } from "../text/t5-tokenizer.js";
import { WordTokenizer } from "../text/words.js";
import type { Recipe } from "./recipe.js";

export interface Parts {
  readonly codec: PictureCodec;
  readonly captions: CaptionReader;
}

/** What the parts are, as recipes and models' folders say it. */
export type PartsDescription = Pick<Recipe, "codec" | "captions">;

/** Finds a frozen model's folder by its path or its name on the hub. @param files what is wanted of it */
export type LocateModel = (name: string, files: "weights" | "tokenizer") => Promise<string>;

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

/** Files of a tokenizer's folder, of which some are there. */
const tokenizerFiles = [
  "tokenizer.json",
  "vocab.json",
  "merges.txt",
  "spiece.model",
  "tokenizer_config.json",
  "special_tokens_map.json",
] as const;

/**
 * Parts at the beginning of a run: frozen models opened, the others learned.
 * @param examples asked for where something is to be learned
 */
export async function makeParts(
  description: PartsDescription,
  model: DreamConfig,
  locate: LocateModel,
  examples: () => Promise<Examples>,
): Promise<Parts> {
  const { codec, captions } = description;
  const learned =
    codec.kind === "patches" || captions.kind === "words" ? await examples() : { pictures: [], captions: [] };
  const { contextLength } = model.textTower;
  return {
    codec: codec.kind === "vae" ? await openVae(codec, locate) : fitCodec(codec, learned.pictures),
    captions:
      captions.kind === "words"
        ? new WordCaptions(WordTokenizer.fromCaptions(learned.captions, contextLength, captions.most))
        : await openT5(captions, model, {
            clip: await locate(captions.tokenizer, "tokenizer"),
            t5: await locate(captions.model, "tokenizer"),
            weights: await locate(captions.model, "weights"),
          }),
  };
}

/** Memory that the frozen models of a recipe take, in float32, told from their files' headers. */
export async function partsBytes(
  { codec, captions }: PartsDescription,
  locate: LocateModel,
): Promise<number> {
  const folders = [
    ...(codec.kind === "vae" ? [await locate(codec.model, "weights")] : []),
    ...(captions.kind === "t5" ? [await locate(captions.model, "weights")] : []),
  ];
  return folders
    .flatMap((folder) => [...openPretrained(folder).weights.shapes])
    .filter(([name]) => !/^(decoder\.block|lm_head)\./.test(name))
    .reduce((sum, [, shape]) => sum + shape.reduce((product, size) => product * size, 4), 0);
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
): Promise<Parts> {
  const closed = { stride: sizePixels / model.latent.side, channels: model.latent.channels };
  return {
    codec:
      codec.kind === "patches"
        ? PatchCodec.load(join(folder, codecFile))
        : locate === null
          ? new VaeCodec("closed", codec.scale, closed, null)
          : await openVae(codec, locate),
    captions:
      captions.kind === "words"
        ? new WordCaptions(new WordTokenizer(readWords(folder), model.textTower.contextLength))
        : await openT5(captions, model, {
            clip: join(folder, clipFolder),
            t5: join(folder, t5Folder),
            weights: locate === null ? null : await locate(captions.model, "weights"),
          }),
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
    captions: await openT5(captions, model, {
      clip: await locate(captions.tokenizer, "tokenizer"),
      t5: await locate(captions.model, "tokenizer"),
      weights: null,
    }),
  };
}

/** @throws DreamError `value` where the parts' sizes are not the model's */
export function checkParts({ codec, captions }: Parts, model: DreamConfig): void {
  const problems = [
    ...(codec.channels === model.latent.channels
      ? []
      : [`latents of ${model.latent.channels} channels, where the codec gives ${codec.channels}`]),
    ...(captions.vocabularySize <= model.textTower.vocabulary
      ? []
      : [`${model.textTower.vocabulary} token ids, where the tokenizer gives ${captions.vocabularySize}`]),
    ...(captions instanceof T5Captions &&
    model.captions.width !== (captions.encoder?.width ?? model.captions.width)
      ? [`caption states of width ${model.captions.width}, where the T5 gives ${captions.encoder?.width}`]
      : []),
  ];
  if (problems.length > 0)
    throw new DreamError("value", {
      operation: "put a model and its parts together",
      message: `the model expects ${problems.join(", and ")}`,
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

async function openVae(
  { model, scale }: Extract<PartsDescription["codec"], { kind: "vae" }>,
  locate: LocateModel,
): Promise<VaeCodec> {
  const folder = await locate(model, "weights");
  const vae = AutoencoderKl.open(folder);
  const shape = { stride: vae.stride, channels: vae.latentChannels };
  return new VaeCodec(`vae ${fingerprintFiles(weightsIn(folder))} times ${scale}`, scale, shape, vae);
}

/** @param weights null leaves the encoder closed */
async function openT5(
  { model: name }: Extract<PartsDescription["captions"], { kind: "t5" }>,
  { textTower, captions }: DreamConfig,
  { clip, t5, weights }: { readonly clip: string; readonly t5: string; readonly weights: string | null },
): Promise<T5Captions> {
  if (captions.kind !== "states")
    throw new DreamError("value", {
      operation: `use ${name}`,
      expected: "a model whose captions are `kind: states`",
      got: `\`kind: ${captions.kind}\``,
      hint: "correct the recipe's model.captions",
    });
  const tokenizers = fingerprintFiles([...filesIn(clip), ...filesIn(t5)]);
  const states = weights === null ? "closed" : fingerprintFiles(weightsIn(weights));
  return new T5Captions(
    `t5 ${states}, tokens ${tokenizers}`,
    ClipTokenizer.open(clip, textTower.contextLength),
    T5Tokenizer.open(t5, captions.length),
    weights === null ? null : T5Encoder.open(weights, { dtype: "float32" }),
    { clip, t5 },
  );
}

const weightsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".safetensors"))
    .sort()
    .map((name) => join(folder, name));

const filesIn = (folder: string): string[] =>
  tokenizerFiles.map((name) => join(folder, name)).filter((path) => existsSync(path));

async function copyTokenizer(from: string, to: string): Promise<void> {
  for (const path of filesIn(from)) {
    const bytes = readFileSync(path);
    await writeAtomically(join(to, basename(path)), (file) => file.writeFile(bytes));
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
