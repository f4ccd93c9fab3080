/** @file What an encoder of T5 is made of, as `config.json` says it; other kinds of model and other options are refused. */
import { z } from "zod";

const size = z.int().min(1).max(1_000_000);

/** The three feed-forward layers there are: T5's, that of T5 1.1 (and flan), and one that some larger relatives have. */
const feedForwards = {
  relu: { gated: false, activation: "relu" },
  "gated-gelu": { gated: true, activation: "gelu_new" },
  "gated-silu": { gated: true, activation: "silu" },
} as const;

export type FeedForwardKind = (typeof feedForwards)[keyof typeof feedForwards];

export const t5Config = z
  .object({
    model_type: z.literal("t5"),
    vocab_size: size,
    d_model: size,
    d_kv: size,
    d_ff: size,
    num_layers: z.int().min(1).max(1000),
    num_heads: size,
    relative_attention_num_buckets: z.int().min(4).max(1_000_000).default(32),
    relative_attention_max_distance: size.default(128),
    layer_norm_epsilon: z.number().positive().default(1e-6),
    feed_forward_proj: z.enum(["relu", "gated-gelu", "gated-silu"]).default("relu"),
    // Said twice in newer files: the library follows these where they are.
    is_gated_act: z.boolean().optional(),
    dense_act_fn: z.string().optional(),
  })
  .refine((config) => config.relative_attention_max_distance > config.relative_attention_num_buckets / 4, {
    path: ["relative_attention_max_distance"],
    message: "expected more than a quarter of relative_attention_num_buckets",
  })
  .refine(
    ({ feed_forward_proj, is_gated_act, dense_act_fn }) => {
      const { gated, activation } = feedForwards[feed_forward_proj];
      return (is_gated_act ?? gated) === gated && (dense_act_fn ?? activation) === activation;
    },
    { path: ["dense_act_fn"], message: "is_gated_act or dense_act_fn is not what feed_forward_proj says" },
  )
  .transform((config) => ({
    vocabulary: config.vocab_size,
    width: config.d_model,
    headWidth: config.d_kv,
    heads: config.num_heads,
    hiddenWidth: config.d_ff,
    depth: config.num_layers,
    epsilon: config.layer_norm_epsilon,
    feedForward: feedForwards[config.feed_forward_proj] as FeedForwardKind,
    buckets: config.relative_attention_num_buckets,
    maximumDistance: config.relative_attention_max_distance,
  }));

export type T5Config = z.infer<typeof t5Config>;
