/** @file What the server understands and answers: OpenAI's shapes, and beside them what a model of ours can be asked. */
import { z } from "@hono/zod-openapi";
import { settingShape } from "../drawing-settings.js";

/** Letters, spaces and line breaks; what a terminal or a log would act on is no sentence. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const withoutControls = /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$/u;

const sentence = z.string().min(1).max(4000).regex(withoutControls, "control characters are not understood");

const model = z
  .string()
  .max(200)
  .optional()
  .openapi({ description: "The model's name, as /v1/models lists it; the server has one.", example: "demo" });

const seed = z
  .int()
  .min(0)
  .max(2 ** 32 - 1)
  .optional()
  .openapi({
    description: "Of the first picture; the next ones count up. The same seed draws the same picture.",
    example: 7,
  });

/** How to draw, under the names that the web has for settings. */
export const drawingFields = {
  seed,
  candidates: settingShape.candidates.optional().openapi({
    description: "Drawings begun for each picture (Semantically Aligned Decoding); 1 draws plainly.",
    example: 5,
  }),
  selection: settingShape.selection.optional(),
  select_at: settingShape.selectAt
    .optional()
    .openapi({ description: "Share of the tokens decoded when the best is chosen.", example: 0.125 }),
  separation: settingShape.separation.optional(),
  preset: settingShape.preset.optional(),
  steps: settingShape.steps.optional().openapi({ description: "Decoding steps." }),
  sampler: settingShape.sampler.optional(),
  diffusion_steps: settingShape.diffusionSteps.optional().openapi({
    description: "Of the head for each token, in the first decoding step and in the last.",
  }),
  guidance_scale: settingShape.guidanceScale.optional(),
  guidance_every: settingShape.guidanceEvery.optional(),
  temperature: settingShape.temperature.optional(),
  negative_prompt: sentence
    .optional()
    .openapi({ description: "What guidance leads away from, in place of the empty caption." }),
};

const picture = {
  model,
  prompt: sentence.openapi({ example: "a large red circle in the centre on a striped background" }),
  n: z.int().min(1).max(10).default(1).openapi({ description: "Pictures." }),
  size: z
    .string()
    .regex(/^(auto|\d{1,5}x\d{1,5})$/, "expected auto, or width x height as 32x32")
    .default("auto")
    .openapi({ description: "The model draws one size; another is refused." }),
  quality: z.enum(["auto", "low", "medium", "high"]).default("auto").openapi({
    description: "low, medium and high are the presets fast, balanced and exact; auto is the model's own.",
  }),
  response_format: z.enum(["b64_json", "url"]).default("b64_json"),
  output_format: z.enum(["png", "jpeg", "webp"]).default("png"),
  output_compression: z
    .int()
    .min(0)
    .max(100)
    .default(90)
    .openapi({ description: "Quality of jpeg and webp." }),
  background: z.enum(["auto", "opaque"]).default("auto"),
  stream: z
    .boolean()
    .default(false)
    .openapi({ description: "Whether events are sent as they come (server-sent events)." }),
  partial_images: z
    .int()
    .min(0)
    .max(16)
    .default(0)
    .openapi({ description: "Half-drawn pictures that a stream shows on the way." }),
  user: z.string().max(200).optional().openapi({ description: "Not looked at." }),
};

export const generationSchema = z.strictObject({ ...picture, ...drawingFields }).openapi("ImageGeneration");
export type Generation = z.infer<typeof generationSchema>;

/** Fields of a form come as text. */
const number = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (text) =>
      typeof text === "string" && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text,
    schema,
  );

/** Forms end lines in their own way. */
const lines = <T extends z.ZodType>(schema: T) =>
  z.preprocess((text) => (typeof text === "string" ? text.replaceAll(/\r\n?/g, "\n") : text), schema);

export const truth = <T extends z.ZodType>(schema: T) =>
  z.preprocess((text) => (text === "true" ? true : text === "false" ? false : text), schema);

/** Null where it is none. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const file = z.instanceof(File).openapi({ type: "string", format: "binary" });

/** The fields of a form, beside its files. */
const editFields = z.strictObject({
  ...picture,
  ...drawingFields,
  prompt: lines(picture.prompt),
  negative_prompt: lines(drawingFields.negative_prompt),
  n: number(picture.n),
  output_compression: number(picture.output_compression),
  stream: truth(picture.stream),
  partial_images: number(picture.partial_images),
  seed: number(drawingFields.seed),
  candidates: number(drawingFields.candidates),
  select_at: number(drawingFields.select_at),
  separation: number(drawingFields.separation),
  steps: number(drawingFields.steps),
  diffusion_steps: z.preprocess(
    (text) => (typeof text === "string" ? parsedJson(text) : text),
    drawingFields.diffusion_steps,
  ),
  guidance_scale: number(drawingFields.guidance_scale),
  guidance_every: number(drawingFields.guidance_every),
  temperature: number(drawingFields.temperature),
});

export const editSchema = editFields
  .extend({
    image: file.openapi({ description: "The picture; its middle is taken." }),
    mask: file.openapi({
      description: "What is drawn anew: its transparent pixels, or, where it has none, its light ones.",
    }),
    keep_pixels: truth(z.boolean().default(false)).openapi({
      description:
        "Whether the rest is pasted from the original; otherwise it goes through the model's codec, which leaves no seams.",
    }),
  })
  .openapi("ImageEdit");
export type EditRequest = z.infer<typeof editSchema>;

export const drawnSchema = z
  .object({
    b64_json: z.string().optional(),
    url: z.string().optional(),
    seed: z.int().openapi({ description: "It draws this picture again." }),
    candidate_scores: z.array(z.number()).openapi({
      description: "The last cosine that each candidate and the prompt had; none where drawing was plain.",
    }),
    chosen: z.int().openapi({ description: "The candidate that was finished." }),
    gallery_id: z.string().optional().openapi({ description: "Where a job kept it." }),
  })
  .openapi("DrawnImage");

export const imagesSchema = z
  .object({
    created: z.int(),
    data: z.array(drawnSchema),
    size: z.string(),
    output_format: z.string(),
    background: z.literal("opaque"),
  })
  .openapi("Images");

export const pictureData = z
  .string()
  .max(40_000_000)
  .openapi({ description: "Base64, or a data: address; nothing is ever fetched." });

export const embeddingSchema = z
  .strictObject({
    model,
    input: z
      .union([
        sentence,
        z.strictObject({ image: pictureData }),
        z
          .array(z.union([sentence, z.strictObject({ image: pictureData })]))
          .min(1)
          .max(256),
      ])
      .openapi({ description: "Sentences, and pictures as {image: ...}, in any mixture." }),
    encoding_format: z.enum(["float", "base64"]).default("float"),
    dimensions: z.int().optional().openapi({ description: "Only the model's own." }),
    user: z.string().max(200).optional().openapi({ description: "Not looked at." }),
  })
  .openapi("EmbeddingRequest");
export type EmbeddingRequest = z.infer<typeof embeddingSchema>;

export const embeddingsSchema = z
  .object({
    object: z.literal("list"),
    data: z.array(
      z.object({
        object: z.literal("embedding"),
        index: z.int(),
        embedding: z.union([z.array(z.number()), z.string()]),
      }),
    ),
    model: z.string(),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
  })
  .openapi("Embeddings");

export const searchSchema = z
  .strictObject({
    text: sentence.optional().openapi({ example: "a red circle above a blue square" }),
    image: pictureData.optional(),
    count: z.int().min(1).max(200).default(20),
  })
  .refine(({ text, image }) => (text === undefined) !== (image === undefined), "expected a text or an image")
  .openapi("Search");

export const foundSchema = z
  .object({
    object: z.literal("list"),
    data: z.array(
      z.object({
        id: z.string().openapi({ description: "Of the picture in the index." }),
        path: z.string(),
        width: z.int(),
        height: z.int(),
        score: z.number().openapi({ description: "Cosine." }),
        url: z.string(),
      }),
    ),
  })
  .openapi("Found");
export type Found = z.infer<typeof foundSchema>;

export const modelSchema = z
  .object({
    id: z.string(),
    object: z.literal("model"),
    created: z.int(),
    owned_by: z.string(),
    recipe: z.string(),
    size: z.string(),
    tokens: z.int(),
    parameters: z.int(),
    embedding_width: z.int().nullable(),
    reads: z.string(),
  })
  .openapi("Model");

export const modelsSchema = z
  .object({ object: z.literal("list"), data: z.array(modelSchema) })
  .openapi("Models");

export const errorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .openapi("Error");
export type ErrorBody = z.infer<typeof errorSchema>;
