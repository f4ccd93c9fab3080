/**
 * @file What a CLIP model is made of, as `config.json` says it. Newer files leave out what is the library's default, so those
 * defaults are here; other kinds of model and other options are refused.
 */
import { z } from "zod";

const size = z.int().min(1).max(1_000_000);
const depth = z.int().min(1).max(1000);
const activation = z.enum(["quick_gelu", "gelu"]).default("quick_gelu");
const epsilon = z.number().positive().default(1e-5);

const divides = { message: "hidden_size is no whole number of heads", path: ["num_attention_heads"] };

const textConfig = z
  .object({
    vocab_size: size.default(49408),
    hidden_size: size.default(512),
    intermediate_size: size.default(2048),
    num_hidden_layers: depth.default(12),
    num_attention_heads: size.default(8),
    max_position_embeddings: size.default(77),
    hidden_act: activation,
    layer_norm_eps: epsilon,
    eos_token_id: z.int().min(0).default(49407),
  })
  .refine((config) => config.hidden_size % config.num_attention_heads === 0, divides)
  .transform((config) => ({
    vocabulary: config.vocab_size,
    contextLength: config.max_position_embeddings,
    // Files from before the library knew the end token say 2, and mean the largest id.
    end:
      config.eos_token_id === 2
        ? ({ kind: "largest" } as const)
        : ({ kind: "first", id: config.eos_token_id } as const),
    ...blocksOf(config),
  }));

const visionConfig = z
  .object({
    hidden_size: size.default(768),
    intermediate_size: size.default(3072),
    num_hidden_layers: depth.default(12),
    num_attention_heads: size.default(12),
    num_channels: z.literal(3).default(3),
    image_size: size.default(224),
    patch_size: size.default(32),
    hidden_act: activation,
    layer_norm_eps: epsilon,
  })
  .refine((config) => config.hidden_size % config.num_attention_heads === 0, divides)
  .refine((config) => config.image_size >= config.patch_size, {
    message: "expected at most image_size",
    path: ["patch_size"],
  })
  .transform((config) => ({
    imageSize: config.image_size,
    patchSize: config.patch_size,
    ...blocksOf(config),
  }));

interface StoredBlocks {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly hidden_act: "quick_gelu" | "gelu";
  readonly layer_norm_eps: number;
}

/** Sizes of a tower's blocks. */
export interface ClipBlockSize {
  readonly width: number;
  readonly mlpWidth: number;
  readonly depth: number;
  readonly heads: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly epsilon: number;
}

function blocksOf(config: StoredBlocks): ClipBlockSize {
  return {
    width: config.hidden_size,
    mlpWidth: config.intermediate_size,
    depth: config.num_hidden_layers,
    heads: config.num_attention_heads,
    activation: config.hidden_act,
    epsilon: config.layer_norm_eps,
  };
}

export const clipConfig = z
  .object({
    model_type: z.literal("clip"),
    projection_dim: size.default(512),
    text_config: textConfig.nullish(),
    vision_config: visionConfig.nullish(),
    // Where an early file has these, the library takes them and their defaults, and nothing of the others.
    text_config_dict: textConfig.nullish(),
    vision_config_dict: visionConfig.nullish(),
  })
  .transform((config) => ({
    embeddingWidth: config.projection_dim,
    text: config.text_config_dict ?? config.text_config ?? textConfig.parse({}),
    vision: config.vision_config_dict ?? config.vision_config ?? visionConfig.parse({}),
  }));

export type ClipConfig = z.infer<typeof clipConfig>;
