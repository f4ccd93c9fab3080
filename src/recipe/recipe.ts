/** @file A recipe: everything that decides a training run, as data. Read from YAML, checked strictly, hashed. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { sceneLevels } from "../data/scenes/vocabulary.js";
import { DreamError, unknownName } from "../errors.js";
import type { DreamConfig } from "../models/dream/config.js";
import { packageRoot } from "../tensor/index.js";
import { count, maskingSchema, modelSchema, share } from "./model-schema.js";

const range = z.tuple([z.number().positive(), z.number().positive()]);

/** The square of a picture that is seen. */
const cropSchema = z.discriminatedUnion("kind", [
  /** ADM's, in the middle. */
  z.strictObject({ kind: z.literal("centre") }),
  /** torchvision's: a share of the area and a ratio of width to height drawn for each picture and step; cannot be cached. */
  z.strictObject({ kind: z.literal("random-resized"), scale: range, ratio: range }),
]);

/** Where pictures with captions come from. */
const dataSchema = z.discriminatedUnion("kind", [
  /** Rendered where they are not there yet; kept back are whole combinations. */
  z.strictObject({
    kind: z.literal("scenes"),
    level: z.literal(sceneLevels),
    train: count,
    heldOut: count,
    seed: z.int(),
    sizePixels: count,
  }),
  /**
   * A folder, shards or a feature cache of one's own, named when the run starts. `flip` is the share turned left to right;
   * where more than `brokenShare` of the samples seen cannot be read, the run stops.
   */
  z.strictObject({
    kind: z.literal("pictures"),
    sizePixels: count,
    crop: cropSchema,
    flip: share,
    brokenShare: share,
  }),
]);

/** What turns pictures into latents. */
export const codecSchema = z.discriminatedUnion("kind", [
  /** Principal components of patches, more or less whitened, in the place of a VAE. */
  z.strictObject({ kind: z.literal("patches"), patch: count, components: count, whitening: share }),
  /** A folder or hub name of an AutoencoderKL; its latents are multiplied by `scale`. */
  z.strictObject({ kind: z.literal("vae"), model: z.string().min(1), scale: z.number().positive() }),
]);

/** What turns captions into what the model reads. */
export const captionsSchema = z.discriminatedUnion("kind", [
  /** Whole words, at most so many different ones, found in the training captions. */
  z.strictObject({ kind: z.literal("words"), most: count }),
  /** CLIP's tokens for the text tower and a T5's states for the decoder: folders or hub names. */
  z.strictObject({ kind: z.literal("t5"), tokenizer: z.string().min(1), model: z.string().min(1) }),
]);

/** What a model is aligned to, where its `alignment` says so: a folder or hub name of a DINOv2. */
export const alignmentSchema = z.strictObject({ encoder: z.string().min(1) }).nullable();

export const recipeSchema = z.strictObject({
  name: z.string(),
  data: dataSchema,
  codec: codecSchema,
  captions: captionsSchema,
  alignment: alignmentSchema,
  /** Vocabulary sizes of a model of words are found in its captions, and replace what stands here. */
  model: modelSchema,
  seed: z.int().min(0),
  batchSize: count,
  /** Times that every sample is seen; the schedules count in them too. */
  epochs: z.number().positive(),
  maskGroups: count,
  masking: maskingSchema,
  captionDrop: share,
  emaRate: share,
  /** bfloat16 where the processor multiplies it faster; elsewhere float32 takes its place. */
  precision: z.enum(["float32", "bfloat16"]),
  optimiser: z.strictObject({
    betas: z.tuple([share, share]),
    epsilon: z.number().positive(),
    weightDecay: z.number().min(0),
    clip: z.number().positive(),
    /** For the matrices inside blocks in AdamW's place; the paper has null. */
    muon: z.strictObject({ momentum: share, rate: z.number().positive() }).nullable(),
  }),
  learningRate: z.strictObject({
    kind: z.enum(["constant", "cosine"]),
    peak: z.number().positive(),
    minimum: z.number().min(0),
    warmupEpochs: z.number().min(0),
    totalEpochs: z.number().positive(),
  }),
  /** Rounds in which a process takes its part of a batch, one after another: less memory, the same step (`train/rounds.ts`). */
  accumulation: count,
  /** What the backward pass needs is kept, or the blocks' part of it is computed again: less memory, the same step. */
  activations: z.enum(["kept", "recomputed"]),
  /** A checkpoint is written so often, and so many of the last ones stay. */
  checkpoints: z.strictObject({ everyMinutes: z.number().positive(), kept: count }),
  /** Captions that are drawn on the way, always with the same seeds; null draws none. */
  samples: z.strictObject({ everySteps: count, captions: z.array(z.string().min(1)).min(1) }).nullable(),
  /** How pictures are drawn by default. */
  drawing: z.strictObject({
    steps: count,
    guidance: z.strictObject({ kind: z.enum(["linear", "constant"]), scale: z.number().min(0) }),
    temperature: z.number().min(0),
    candidates: count,
    /** Share of the tokens that are decoded when the choice falls. */
    selectAt: share,
  }),
});

/** All that decides a run: data, network, schedules, drawing. */
export type Recipe = z.infer<typeof recipeSchema>;

/** A recipe of one kind of data. */
export type RecipeOf<Kind extends Recipe["data"]["kind"]> = Recipe & {
  readonly data: Extract<Recipe["data"], { kind: Kind }>;
};

/** @throws DreamError `value` where a recipe's data is of another kind */
export function recipeOf<Kind extends Recipe["data"]["kind"]>(kind: Kind, recipe: Recipe): RecipeOf<Kind> {
  if (recipe.data.kind === kind) return recipe as RecipeOf<Kind>;
  throw new DreamError("value", {
    operation: `use recipe ${recipe.name}`,
    expected: `one whose data is of ${kind}`,
    got: `data of ${recipe.data.kind}`,
  });
}

/** The recipe's model with the vocabulary that its words have. */
export function modelConfigFor(
  { model, captions }: Recipe,
  reader: { readonly vocabularySize: number },
): DreamConfig {
  if (captions.kind !== "words" || model.captions.kind !== "words") return model;
  const vocabulary = reader.vocabularySize;
  return {
    ...model,
    textTower: { ...model.textTower, vocabulary },
    captions: { ...model.captions, vocabulary },
  };
}

/** Steps of a whole run over so many samples. */
export function stepsOf(recipe: Recipe, samples: number): number {
  return Math.max(1, Math.round(recipe.epochs * stepsPerEpoch(recipe, samples)));
}

const stepsPerEpoch = ({ batchSize }: Recipe, samples: number): number =>
  Math.max(1, Math.floor(samples / batchSize));

/** The same recipe over so many samples in another number of steps: every schedule is stretched with it. */
export function stretched<R extends Recipe>(recipe: R, samples: number, steps: number): R {
  const factor = steps / (recipe.epochs * stepsPerEpoch(recipe, samples));
  const { masking, learningRate } = recipe;
  const end = (warmup: Extract<Recipe["masking"], { kind: "warmup" }>["end"]) =>
    warmup.kind === "epoch" ? { ...warmup, epoch: warmup.epoch * factor } : warmup;
  return {
    ...recipe,
    epochs: recipe.epochs * factor,
    masking:
      masking.kind === "warmup"
        ? {
            ...masking,
            startEpoch: masking.startEpoch * factor,
            end: end(masking.end),
            totalEpochs: masking.totalEpochs * factor,
            cooldownEpochs: masking.cooldownEpochs * factor,
          }
        : masking,
    learningRate: {
      ...learningRate,
      warmupEpochs: learningRate.warmupEpochs * factor,
      totalEpochs: learningRate.totalEpochs * factor,
    },
  };
}

/** The recipes that come with the package. */
export function recipeNames(): string[] {
  return readdirSync(join(packageRoot(), "recipes"))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => name.slice(0, -5));
}

/**
 * Reads one of the package's recipes by its name, or a file of one's own by its path. A recipe that says `extends: NAME` is that
 * recipe of the package, or `extends: ./other.yaml` the one beside it, with what it says itself in its place.
 * @throws DreamError `unknown-name` with the alternatives, `format` with the path of every mistake
 */
export function readRecipe(name: string): Recipe {
  const path = isPath(name) ? name : packagePath(name);
  return parseRecipe(readValue(path), path);
}

function readValue(path: string): unknown {
  const value = readYaml(path);
  if (!isObject(value) || typeof value.extends !== "string") return value;
  const { extends: base, ...own } = value;
  const named = base as string;
  return overlaid(readValue(isPath(named) ? join(dirname(path), named) : packagePath(named)), own);
}

const isPath = (name: string): boolean => /[/\\]|\.ya?ml$/.test(name);

function packagePath(name: string): string {
  const known = recipeNames();
  if (!known.includes(name)) throw unknownName("read recipe", "recipe", name, known);
  return join(packageRoot(), "recipes", `${name}.yaml`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Objects are gone into; everything else takes the place of what was there, alternatives (`kind`) as a whole. */
function overlaid(base: unknown, own: unknown): unknown {
  if (!isObject(base) || !isObject(own) || "kind" in own) return own;
  const entries = Object.entries(own).map(([key, value]) => [key, overlaid(base[key], value)]);
  return { ...base, ...Object.fromEntries(entries) };
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", {
      operation: `read ${path}`,
      message,
      hint: "name a recipe in YAML",
      cause,
    });
  }
}

/** Checks a recipe. @param source what it is called in errors @throws DreamError naming every entry that is wrong */
export function parseRecipe(value: unknown, source: string): Recipe {
  const parsed = recipeSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DreamError("format", {
    operation: `read ${source}`,
    message: z.prettifyError(parsed.error),
    hint: "correct the entries named",
    cause: parsed.error,
  });
}

/** What decides a run's steps: not how memory is spared on the way, how often checkpoints are written, or what is shown. */
export function decisivePart({
  accumulation: _rounds,
  activations: _activations,
  checkpoints: _checkpoints,
  samples: _samples,
  ...decisive
}: Recipe) {
  return decisive;
}

/** A fingerprint of what decides a run's steps: the same for the same content, whatever the order of its entries. */
export function recipeHash(recipe: Recipe): string {
  return createHash("sha256")
    .update(canonical(decisivePart(recipe)))
    .digest("hex")
    .slice(0, 16);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(",")}}`;
}
