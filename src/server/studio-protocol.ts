/** @file What the studio is shown beside pictures and jobs: the gallery, training runs, and what the server has. */
import { z } from "@hono/zod-openapi";
import { drawingFields, modelSchema, pictureData } from "./protocol.js";

/** How to draw, as requests say it. */
const settingsSchema = z.object({ prompt: z.string(), ...drawingFields }).openapi("DrawingRequest");

export const recordSchema = z
  .object({
    settings: settingsSchema.openapi({ description: "A request that draws it again." }),
    candidate_scores: z.array(z.number()),
    chosen: z.int(),
    is_edit: z
      .boolean()
      .openapi({ description: "Whether it is an edit of another picture, which is not in it." }),
  })
  .openapi("DrawnRecord");
export type DrawnRecord = z.infer<typeof recordSchema>;

export const pictureSchema = z
  .strictObject({ image: pictureData.openapi({ description: "A PNG that was drawn here." }) })
  .openapi("Picture");

export const gallerySchema = z
  .object({
    object: z.literal("list"),
    data: z.array(
      z.object({
        id: z.string().openapi({ description: "Later ones sort after it." }),
        url: z.string(),
        record: recordSchema.nullable(),
      }),
    ),
    has_more: z.boolean().openapi({ description: "Whether there are older ones." }),
  })
  .openapi("Gallery");
export type Gallery = z.infer<typeof gallerySchema>;

export const runsSchema = z
  .object({
    object: z.literal("list"),
    data: z.array(
      z.object({
        name: z.string(),
        recipe: z.string().nullable(),
        steps: z.int(),
        share: z.number().nullable().openapi({ description: "Of all its epochs." }),
        live: z.boolean().openapi({ description: "Whether its journal grew in the last minute." }),
        samples: z.array(z.int()).openapi({ description: "Steps after which a grid was drawn." }),
      }),
    ),
  })
  .openapi("Runs");
export type Runs = z.infer<typeof runsSchema>;

const curve = z.array(z.number().nullable());

export const curvesSchema = z
  .object({
    name: z.string(),
    step: z.array(z.int()),
    curves: z.object({
      generativeLoss: curve,
      contrastiveLoss: curve,
      maskRatio: curve,
      learningRate: curve,
      gradientNorm: curve,
      imagesPerSecond: curve,
    }),
  })
  .openapi("RunCurves");
export type RunCurves = z.infer<typeof curvesSchema>;

export const studioSchema = z
  .object({
    model: modelSchema,
    captions: z.boolean().openapi({ description: "Whether sentences tell it what to draw." }),
    drawing: z
      .object({
        steps: z.int(),
        guidance_scale: z.number(),
        temperature: z.number(),
        candidates: z.int(),
        select_at: z.number(),
      })
      .openapi({ description: "What the model draws with where nothing is said." }),
    examples: z.array(z.string()),
    gallery: z.boolean(),
    runs: z.boolean(),
    index: z.object({ pictures: z.int() }).nullable(),
  })
  .openapi("Studio");
export type Studio = z.infer<typeof studioSchema>;
