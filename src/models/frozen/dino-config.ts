/** @file What a DINOv2 model is made of, as `config.json` says it; other kinds of model and other options are refused. */
import { z } from "zod";
import type { Resampling } from "./dino-positions.js";

const size = z.int().min(1).max(1_000_000);

const sizes = {
  hidden_size: size.default(768),
  num_hidden_layers: z.int().min(1).max(1000).default(12),
  num_attention_heads: size.default(12),
  mlp_ratio: z.number().positive().max(1000).default(4),
  hidden_act: z.literal("gelu").default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-6),
  image_size: size.default(224),
  num_channels: z.literal(3).default(3),
  qkv_bias: z.boolean().default(true),
  use_swiglu_ffn: z.boolean().default(false),
};

const stored = z.discriminatedUnion("model_type", [
  z.object({ model_type: z.literal("dinov2"), ...sizes, patch_size: size.default(14) }),
  z.object({
    model_type: z.literal("dinov2_with_registers"),
    ...sizes,
    patch_size: size.default(16),
    num_register_tokens: z.int().min(1).max(1000).default(4),
  }),
]);

export const dinoConfig = stored
  .refine((config) => config.hidden_size % config.num_attention_heads === 0, {
    message: "hidden_size is no whole number of heads",
    path: ["num_attention_heads"],
  })
  .refine((config) => config.image_size >= config.patch_size, {
    message: "expected at most image_size",
    path: ["patch_size"],
  })
  .transform((config) => {
    const hidden = Math.trunc(config.hidden_size * config.mlp_ratio);
    return {
      width: config.hidden_size,
      depth: config.num_hidden_layers,
      heads: config.num_attention_heads,
      epsilon: config.layer_norm_eps,
      patchSize: config.patch_size,
      /** Patches along each edge of the pictures that positions were learned on. */
      gridSize: Math.floor(config.image_size / config.patch_size),
      qkv: config.qkv_bias ? ("biased" as const) : ("unbiased" as const),
      mlp: config.use_swiglu_ffn
        ? // Two thirds, so that three maps have the weights of two, in whole eights.
          ({ kind: "swiglu", width: Math.ceil(Math.trunc((hidden * 2) / 3) / 8) * 8 } as const)
        : ({ kind: "gelu", width: hidden } as const),
      registers: config.model_type === "dinov2" ? 0 : config.num_register_tokens,
      /** How positions come to another grid: the library filters them for models with registers alone. */
      resampling: (config.model_type === "dinov2"
        ? "bicubic"
        : "antialiased") satisfies Resampling as Resampling,
    };
  });

export type DinoConfig = z.infer<typeof dinoConfig>;
