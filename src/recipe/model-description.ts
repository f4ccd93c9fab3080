/** @file What a model's folder says of the model: its JSON files, checked strictly. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DreamError } from "../errors.js";
import type { DreamConfig } from "../models/dream/config.js";
import { count, modelSchema } from "./model-schema.js";
import { captionsSchema, codecSchema, type Recipe, recipeHash, recipeSchema } from "./recipe.js";

const originSchema = z.strictObject({
  recipe: z.string(),
  recipeHash: z.string(),
  /** Steps of training behind these weights; null where nobody counted them. */
  steps: z.int().min(0).nullable(),
  /** Averaged over training, or as the last step left them. */
  weights: z.enum(["ema", "live"]),
});

/** Where weights come from. */
export type ModelOrigin = z.infer<typeof originSchema>;

export const configSchema = z.strictObject({
  model_type: z.literal("dream"),
  origin: originSchema,
  model: modelSchema,
  codec: codecSchema,
  captions: captionsSchema,
});

export const preprocessorSchema = z.strictObject({
  /** The largest square in the middle, as ADM cuts it. */
  crop: z.literal("adm-centre-crop"),
  size: z.strictObject({ height: count, width: count }),
  image_mean: z.tuple([z.literal(0.5), z.literal(0.5), z.literal(0.5)]),
  image_std: z.tuple([z.literal(0.5), z.literal(0.5), z.literal(0.5)]),
});

/** All that a folder says of a model, weights and parts apart. */
export interface ModelDescription extends Pick<Recipe, "codec" | "captions" | "drawing"> {
  readonly origin: ModelOrigin;
  readonly model: DreamConfig;
  readonly sizePixels: number;
}

/** What a recipe's model is, for its folder. @param model with the vocabulary that its words have */
export function describeModel(
  recipe: Recipe,
  model: DreamConfig,
  { steps, weights }: Pick<ModelOrigin, "steps" | "weights">,
): ModelDescription {
  const { name, codec, captions, drawing, data } = recipe;
  const origin = { recipe: name, recipeHash: recipeHash(recipe), steps, weights };
  return { origin, model, codec, captions, drawing, sizePixels: data.sizePixels };
}

/** What a folder says of its model. @throws DreamError naming the file that is missing or damaged */
export function readModelDescription(folder: string): ModelDescription {
  const { origin, model, codec, captions } = readJson(join(folder, "config.json"), configSchema);
  const drawing = readJson(join(folder, "generation_config.json"), recipeSchema.shape.drawing);
  const { size } = readJson(join(folder, "preprocessor_config.json"), preprocessorSchema);
  return { origin, model, codec, captions, drawing, sizePixels: size.width };
}

function readJson<T>(path: string, schema: z.ZodType<T>): T {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    const hint = "name a model's folder or a run's; `npm run demo` leaves one in runs/demo";
    throw new DreamError("io", { operation: `read ${path}`, expected: "a model's folder", got, hint, cause });
  }
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", { operation: `read ${path}`, message, cause });
  }
}
