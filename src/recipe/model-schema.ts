/** @file The model's configuration as a schema: what a recipe or a saved `config.json` may say, checked with the path of each mistake. */
import { z } from "zod";
import type { DreamConfig } from "../models/dream/config.js";
import type { MaskingSchedule } from "../models/dream/masking.js";

export const count = z.int().positive();
export const share = z.number().min(0).max(1);
const positive = z.number().positive();

const stack = z.strictObject({ width: count, depth: count, heads: count, mlpWidth: count });

const hidden = { hiddenWidth: count };

const imageProjection = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("identity") }),
  z.strictObject({ kind: z.enum(["linear", "post-linear"]) }),
  z.strictObject({ kind: z.enum(["mlp", "post-mlp", "batch-norm", "post-batch-norm"]), ...hidden }),
]);

const textProjection = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("linear") }),
  z.strictObject({ kind: z.enum(["mlp", "batch-norm"]), ...hidden }),
]);

const captions = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("states"), length: count, width: count }),
  z.strictObject({ kind: z.literal("words"), length: count, width: count, vocabulary: count }),
]);

const contrastive = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("filtered"), minimumVisible: share }),
  z.strictObject({
    kind: z.literal("all"),
    minimumVisible: share,
    scaling: z.enum(["none", "by-kept-share"]),
  }),
]);

const diffusion = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("noise"), sampling: z.string() }),
  z.strictObject({ kind: z.literal("velocity"), steps: count }),
]);

const spatialStart = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("random") }),
  z.strictObject({ kind: z.literal("neighbours"), amplitude: positive, sharpness: positive }),
]);

/** See `DreamConfig` for what each entry means. */
export const modelSchema = z.strictObject({
  latent: z.strictObject({ side: count, channels: count, patch: count }),
  encoder: stack,
  decoder: stack,
  normEpsilon: positive,
  spatialStart,
  bufferTokens: z.int().min(0),
  classes: z.strictObject({ kind: z.enum(["shared", "labels"]), count, dropProbability: share }),
  textTower: z.strictObject({
    width: count,
    depth: count,
    heads: count,
    contextLength: count,
    vocabulary: count,
  }),
  captions,
  alignerDepth: z.int().min(0),
  joint: z.strictObject({
    width: count,
    image: imageProjection,
    text: textProjection,
    pool: z.enum(["all", "image", "buffer"]),
    depth: count.nullable(),
  }),
  head: z.strictObject({ depth: count, width: count }),
  diffusion,
  drawsPerToken: count,
  dropout: z.strictObject({ attention: share, projection: share }),
  contrastive,
  minimumMasked: share,
  lossWeights: z.strictObject({ generative: z.number().min(0), contrastive: z.number().min(0) }),
  alignment: z
    .strictObject({ depth: count, hiddenWidth: count, targetWidth: count, weight: z.number().min(0) })
    .nullable(),
}) satisfies z.ZodType<DreamConfig>;

/** See `MaskingSchedule` for what each entry means. */
export const maskingSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("never") }),
  z.strictObject({ kind: z.literal("uniform"), minimum: share, maximum: share }),
  z.strictObject({
    kind: z.literal("fixed"),
    mean: z.number(),
    deviation: positive,
    minimum: share,
    maximum: share,
  }),
  z.strictObject({
    kind: z.literal("warmup"),
    minimum: share,
    maximum: share,
    deviation: positive,
    meanStart: z.number(),
    meanEnd: z.number(),
    startEpoch: z.number().min(0),
    end: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("epoch"), epoch: positive }),
      z.strictObject({ kind: z.literal("cooldown") }),
    ]),
    shape: z.enum(["linear", "cosine"]),
    totalEpochs: positive,
    deviationSchedule: z.enum(["constant", "growing"]),
    bounds: z.enum(["fixed", "moving"]),
    cooldownEpochs: z.number().min(0),
  }),
]) satisfies z.ZodType<MaskingSchedule>;
