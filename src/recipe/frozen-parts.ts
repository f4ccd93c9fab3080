/** @file The frozen models among a model's parts: found by path or name, opened, and their tokenizers kept. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DreamError } from "../errors.js";
import { AlignmentEncoder } from "../features/alignment-encoder.js";
import { T5Captions } from "../features/t5-captions.js";
import { VaeCodec } from "../features/vae-codec.js";
import { writeAtomically } from "../formats/atomic.js";
import { fingerprintFiles } from "../formats/fingerprint.js";
import type { DreamConfig } from "../models/dream/config.js";
import { DinoModel } from "../models/frozen/dino.js";
import { openPretrained } from "../models/frozen/pretrained.js";
import { T5Encoder } from "../models/frozen/t5.js";
import { AutoencoderKl } from "../models/frozen/vae.js";
import type { Device } from "../tensor/index.js";
import { ClipTokenizer } from "../text/clip-tokenizer.js";
import { T5Tokenizer } from "../text/t5-tokenizer.js";
import type { Recipe } from "./recipe.js";

/** What the parts are, as recipes and models' folders say it. */
export type PartsDescription = Pick<Recipe, "codec" | "captions">;

/** Finds a model's folder by its path or its name on the hub. @param files what is wanted of it; `dream`: a whole model of ours */
export type LocateModel = (name: string, files: "weights" | "tokenizer" | "dream") => Promise<string>;

/** Where frozen models compute, and in what. */
export interface FrozenPlace {
  readonly device: Device;
  readonly dtype: "float32" | "bfloat16";
}

export const onCpu: FrozenPlace = { device: "cpu", dtype: "float32" };

/** Features made in another precision are other features, and no cache mixes them. */
const madeIn = ({ dtype }: FrozenPlace): string => (dtype === "float32" ? "" : ` in ${dtype}`);

/** Files of a tokenizer's folder, of which some are there. */
const tokenizerFiles = [
  "tokenizer.json",
  "vocab.json",
  "merges.txt",
  "spiece.model",
  "tokenizer_config.json",
  "special_tokens_map.json",
] as const;

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

export async function openVae(
  { model, scale }: Extract<PartsDescription["codec"], { kind: "vae" }>,
  locate: LocateModel,
  place: FrozenPlace,
): Promise<VaeCodec> {
  const folder = await locate(model, "weights");
  // libtorch's convolutions in bfloat16 accumulate in it on the CPU, which costs 6% there (LOG.md).
  const used = place.device === "cpu" ? onCpu : place;
  const vae = AutoencoderKl.open(folder, used);
  const shape = { stride: vae.stride, channels: vae.latentChannels };
  const identity = `vae ${fingerprintFiles(weightsIn(folder))} times ${scale}${madeIn(used)}`;
  return new VaeCodec(identity, scale, shape, vae, used);
}

/** @param weights null leaves the encoder closed */
export async function openT5(
  { model: name }: Extract<PartsDescription["captions"], { kind: "t5" }>,
  { textTower, captions }: DreamConfig,
  { clip, t5, weights }: { readonly clip: string; readonly t5: string; readonly weights: string | null },
  place: FrozenPlace,
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
    `t5 ${states}, tokens ${tokenizers}${weights === null ? "" : madeIn(place)}`,
    ClipTokenizer.open(clip, textTower.contextLength),
    T5Tokenizer.open(t5, captions.length),
    weights === null ? null : T5Encoder.open(weights, place),
    { clip, t5 },
    place.device,
  );
}

/**
 * What a recipe's model is aligned to while it learns, or null.
 * @throws DreamError `value` where the recipe names no encoder for it, or one of another width
 */
export async function openAlignment(
  { alignment: named, model }: Pick<Recipe, "alignment" | "model">,
  locate: LocateModel,
  place: FrozenPlace,
): Promise<AlignmentEncoder | null> {
  const { alignment: aligned, latent } = model;
  const fail = (expected: string, got: string): DreamError =>
    new DreamError("value", { operation: "align a model", expected, got, hint: "correct the recipe" });
  if (aligned === null && named === null) return null;
  if (aligned === null) throw fail("a model with `alignment` for the encoder that is named", "none");
  if (named === null) throw fail("`alignment: { encoder: ... }`, since the model has `alignment`", "none");
  const folder = await locate(named.encoder, "weights");
  const dino = DinoModel.open(folder, place);
  if (dino.width !== aligned.targetWidth)
    throw fail(`${named.encoder} with features of width ${aligned.targetWidth}`, String(dino.width));
  const identity = `dino ${fingerprintFiles(weightsIn(folder))}${madeIn(place)}`;
  return new AlignmentEncoder(identity, dino, latent.side / latent.patch);
}

const weightsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".safetensors"))
    .sort()
    .map((name) => join(folder, name));

const filesIn = (folder: string): string[] =>
  tokenizerFiles.map((name) => join(folder, name)).filter((path) => existsSync(path));

/** Keeps a tokenizer's files in another folder. */
export async function copyTokenizer(from: string, to: string): Promise<void> {
  for (const path of filesIn(from)) {
    const bytes = readFileSync(path);
    await writeAtomically(join(to, basename(path)), (file) => file.writeFile(bytes));
  }
}
