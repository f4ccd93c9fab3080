/** @file Jobs as they are asked for and told of: our own shapes, beside OpenAI's. */
import { z } from "@hono/zod-openapi";
import { editSchema, generationSchema, imagesSchema, truth } from "./protocol.js";

/** What jobs are asked beside the pictures. */
const jobFields = {
  while_followed: z.boolean().default(false).openapi({
    description: "Whether it is called off once nobody follows its events for ten seconds.",
  }),
  keep: z.boolean().default(false).openapi({ description: "Whether its pictures are kept in the gallery." }),
};

export type JobFields = z.infer<z.ZodObject<typeof jobFields>>;

export const jobGenerationSchema = generationSchema.extend(jobFields).openapi("JobGeneration");

export const jobEditSchema = editSchema
  .extend({ while_followed: truth(jobFields.while_followed), keep: truth(jobFields.keep) })
  .openapi("JobEdit");

export const jobSchema = z
  .object({
    id: z.string(),
    object: z.literal("job"),
    created: z.int(),
    status: z.enum(["queued", "running", "succeeded", "failed", "cancelled"]),
    progress: z
      .object({ done: z.int(), all: z.int() })
      .openapi({ description: "Decoding steps." })
      .nullable(),
    result: imagesSchema.nullable(),
    error: z
      .object({ message: z.string(), type: z.string() })
      .openapi({
        description: "Why it failed; of a job that succeeded, why its pictures are not in the gallery.",
      })
      .nullable(),
  })
  .openapi("Job");
export type Job = z.infer<typeof jobSchema>;

/** What a job's followers see of a picture that is under way. */
const halfDrawnSchema = z.object({
  pictures: z.array(z.string()).openapi({ description: "Of each candidate that is left, base64." }),
  hidden: z.array(z.int()).openapi({
    description:
      "Tokens that are still to be drawn, by their places, row by row: the same of all candidates.",
  }),
});

/** A decoding step of a job. */
export const stepEventSchema = z
  .object({
    done: z.int(),
    all: z.int(),
    previews: z.array(halfDrawnSchema).nullable().openapi({ description: "Of each picture, in some steps." }),
  })
  .openapi("StepEvent");
export type StepEvent = z.infer<typeof stepEventSchema>;

/** A moment at which candidates are dropped. */
export const choiceEventSchema = stepEventSchema
  .extend({
    candidates: z
      .array(z.array(z.object({ candidate: z.int(), score: z.number(), kept: z.boolean() })))
      .openapi({
        description: "Of each picture what was chosen between, with cosines.",
      }),
  })
  .openapi("ChoiceEvent");
export type ChoiceEvent = z.infer<typeof choiceEventSchema>;
