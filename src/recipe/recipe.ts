/** @file A recipe: everything that decides a training run, as data. Read from YAML, checked strictly, hashed. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { sceneLevels } from "../data/scenes/vocabulary.js";
import { DreamError, unknownName } from "../errors.js";
import { packageRoot } from "../tensor/index.js";
import { count, maskingSchema, modelSchema, share } from "./model-schema.js";

export const recipeSchema = z.strictObject({
  name: z.string(),
  /** Pictures and what they become. */
  data: z.strictObject({
    /** Scenes, rendered where they are not there yet; kept back are whole combinations. */
    scenes: z.strictObject({
      level: z.literal(sceneLevels),
      train: count,
      heldOut: count,
      seed: z.int(),
      sizePixels: count,
    }),
    /** Principal components of patches, more or less whitened, in the place of a VAE. */
    codec: z.strictObject({ patch: count, components: count, whitening: share }),
  }),
  /** Vocabulary sizes of a model of words are found in its captions, and replace what stands here. */
  model: modelSchema,
  seed: z.int().min(0),
  batchSize: count,
  steps: count,
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
  checkpointEverySteps: count,
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

export type Recipe = z.infer<typeof recipeSchema>;

/** The same recipe in another number of steps: every schedule is stretched with it. */
export function stretched(recipe: Recipe, steps: number): Recipe {
  const factor = steps / recipe.steps;
  const { masking, learningRate } = recipe;
  const end = (warmup: Extract<Recipe["masking"], { kind: "warmup" }>["end"]) =>
    warmup.kind === "epoch" ? { ...warmup, epoch: warmup.epoch * factor } : warmup;
  return {
    ...recipe,
    steps,
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
 * Reads one of the package's recipes by its name, or a file of one's own by its path.
 * @throws DreamError `unknown-name` with the alternatives, `format` with the path of every mistake
 */
export function readRecipe(name: string): Recipe {
  if (/[/\\]|\.ya?ml$/.test(name)) return parseRecipe(readYaml(name), name);
  const known = recipeNames();
  if (!known.includes(name)) throw unknownName("read recipe", "recipe", name, known);
  const path = join(packageRoot(), "recipes", `${name}.yaml`);
  return parseRecipe(readYaml(path), path);
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

/** @param source what the recipe is called in errors */
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

/** A recipe's fingerprint: the same for the same content, whatever the order of its entries. */
export function recipeHash(recipe: Recipe): string {
  return createHash("sha256").update(canonical(recipe)).digest("hex").slice(0, 16);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(",")}}`;
}
