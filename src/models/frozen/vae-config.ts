/** @file What an image autoencoder's `config.json` may say: diffusers' `AutoencoderKL`. Anything else is refused by name. */
import { z } from "zod";

const count = z.int().positive();
const flag = z.boolean().default(true);

/** Defaults are diffusers' own: early files lack the newer entries. */
export const vaeSchema = z
  .looseObject({
    _class_name: z.literal("AutoencoderKL").default("AutoencoderKL"),
    in_channels: count.default(3),
    out_channels: count.default(3),
    latent_channels: count.default(4),
    block_out_channels: z.array(count).min(1).max(16),
    layers_per_block: count.max(64).default(1),
    norm_num_groups: count.default(32),
    act_fn: z.literal("silu").default("silu"),
    down_block_types: z.array(z.literal("DownEncoderBlock2D")),
    up_block_types: z.array(z.literal("UpDecoderBlock2D")),
    mid_block_add_attention: flag,
    use_quant_conv: flag,
    use_post_quant_conv: flag,
    scaling_factor: z.number().positive().default(0.18215),
    shift_factor: z.number().nullable().default(null),
    // Latents normalised channel by channel: nobody here would apply them.
    latents_mean: z.null().default(null),
    latents_std: z.null().default(null),
  })
  .superRefine((config, context) => {
    const levels = config.block_out_channels.length;
    for (const key of ["down_block_types", "up_block_types"] as const)
      if (config[key].length !== levels)
        context.addIssue({
          code: "custom",
          path: [key],
          message: `Invalid input: expected ${levels} of them, one for each of block_out_channels`,
        });
    for (const [i, channels] of config.block_out_channels.entries())
      if (channels % config.norm_num_groups !== 0)
        context.addIssue({
          code: "custom",
          path: ["block_out_channels", i],
          message: `Invalid input: expected a multiple of norm_num_groups, ${config.norm_num_groups}`,
        });
  });

export type VaeConfig = z.infer<typeof vaeSchema>;
