/** @file The release's settings (its flags, and the arguments of its model) as our configuration, and ours as its. */
import { DreamError, unknownName } from "../../errors.js";
import type {
  AlignmentConfig,
  ContrastiveConfig,
  DreamConfig,
  ImageProjectionConfig,
  Pool,
  TextProjectionConfig,
} from "./config.js";
import { sizes } from "./config.js";

/** Settings by the names of its flags. */
export type ReleaseSettings = Readonly<Record<string, unknown>>;

const operation = "read settings of the release";

function number(flags: ReleaseSettings, name: string, fallback?: number): number {
  const value = flags[name] ?? fallback;
  if (typeof value !== "number")
    throw new DreamError("format", {
      operation,
      expected: `a number for '${name}'`,
      got: JSON.stringify(flags[name]),
    });
  return value;
}

/** @param flags all that make a model, as a recording or a checkpoint notes them @throws DreamError `format` naming the flag that is missing or unknown */
export function configFromFlags(flags: ReleaseSettings): DreamConfig {
  const stack = (part: "encoder" | "decoder") => {
    const width = number(flags, `${part}_embed_dim`);
    return {
      width,
      depth: number(flags, `${part}_depth`),
      heads: number(flags, `${part}_num_heads`),
      mlpWidth: Math.trunc(width * number(flags, "mlp_ratio", 4)),
    };
  };
  const text = (flags.text_cfg ?? {}) as ReleaseSettings;
  const encoder = stack("encoder");
  const depth = number(flags, "depth_to_align", -1);
  return {
    latent: {
      side: number(flags, "img_size") / number(flags, "vae_stride"),
      channels: number(flags, "vae_embed_dim"),
      patch: number(flags, "patch_size"),
    },
    encoder,
    decoder: stack("decoder"),
    normEpsilon: number(flags, "norm_eps", 1e-6),
    spatialStart: { kind: "random" },
    bufferTokens: number(flags, "buffer_size"),
    classes: {
      kind: "shared",
      count: number(flags, "class_num", 1000),
      dropProbability: number(flags, "label_drop_prob", 0),
    },
    textTower: {
      width: number(text, "width"),
      depth: number(text, "layers"),
      heads: number(text, "heads"),
      contextLength: number(text, "context_length"),
      vocabulary: number(text, "vocab_size"),
    },
    captions: { kind: "states", length: number(flags, "text_max_len"), width: number(flags, "t5_embed_dim") },
    alignerDepth: number(flags, "text_aligner_depth"),
    joint: {
      width: typeof flags.embed_dim === "number" ? flags.embed_dim : encoder.width,
      image: imageProjectionFromFlag(
        String(flags.vl_projection ?? "identity"),
        number(flags, "ssl_mlp_dim", 2048),
      ),
      text: textProjectionFromFlag(
        String(flags.txt_projection ?? "linear"),
        number(flags, "ssl_mlp_dim", 2048),
      ),
      pool: poolFromFlag(String(flags.clip_loss_on ?? "image-text")),
      depth: depth > 0 ? depth : null,
    },
    head: { depth: number(flags, "diffloss_d"), width: number(flags, "diffloss_w") },
    diffusion: { kind: "noise", sampling: String(flags.num_sampling_steps ?? "100") },
    drawsPerToken: number(flags, "diffusion_batch_mul", 4),
    dropout: { attention: number(flags, "attn_dropout", 0), projection: number(flags, "proj_dropout", 0) },
    contrastive: contrastiveFromFlags(flags),
    minimumMasked: number(flags, "min_masked_ratio_for_mar_loss", 0),
    lossWeights: {
      generative: number(flags, "weight_mar_loss", 1),
      contrastive: number(flags, "weight_clip_loss", 0.005),
    },
    alignment: alignmentFromFlags(flags),
  };
}

function contrastiveFromFlags(flags: ReleaseSettings): ContrastiveConfig {
  const minimumVisible = number(flags, "min_ratio_for_clip_loss", 0);
  if (flags.filter_clip_loss === true) return { kind: "filtered", minimumVisible };
  return {
    kind: "all",
    minimumVisible,
    scaling: flags.scale_loss_by_mask === true ? "by-kept-share" : "none",
  };
}

function alignmentFromFlags(flags: ReleaseSettings): AlignmentConfig | null {
  if (typeof flags.repa_depth !== "number") return null;
  return {
    depth: flags.repa_depth,
    hiddenWidth: number(flags, "repa_projector_dim", 2048),
    targetWidth: number(flags, "repa_z_dim", 768),
    weight: number(flags, "weight_repa_loss", 0.5),
  };
}

/** The names that the release gives to alternatives, and what each is here. */
const imageKinds = {
  identity: "identity",
  linear: "linear",
  post_linear: "post-linear",
  mlp: "mlp",
  post_mlp: "post-mlp",
  mlp_stablerep: "batch-norm",
  post_mlp_stablerep: "post-batch-norm",
} as const;
const textKinds = { linear: "linear", mlp: "mlp", stablerep: "batch-norm" } as const;
const pools = { "image-text": "all", "image-tokens-text": "image", buffer: "buffer" } as const;

function named<Kind>(what: string, kinds: Readonly<Record<string, Kind>>, flag: string): Kind {
  if (!Object.hasOwn(kinds, flag)) throw unknownName(operation, what, flag, Object.keys(kinds));
  return kinds[flag]!;
}

/** The release's `vl_projection`. */
export function imageProjectionFromFlag(flag: string, hiddenWidth: number): ImageProjectionConfig {
  const kind = named("image projection", imageKinds, flag);
  if (kind === "identity" || kind === "linear" || kind === "post-linear") return { kind };
  return { kind, hiddenWidth };
}

function textProjectionFromFlag(flag: string, hiddenWidth: number): TextProjectionConfig {
  const kind = named("text projection", textKinds, flag);
  return kind === "linear" ? { kind } : { kind, hiddenWidth };
}

function poolFromFlag(flag: string): Pool {
  return named("pool", pools, flag);
}

function flagOf(kinds: Readonly<Record<string, string>>, kind: string): string {
  return Object.entries(kinds).find(([, ours]) => ours === kind)![0];
}

/** The stride of the VAE that the release knows. */
const vaeStride = 8;

/**
 * Our configuration as the release's settings: what a checkpoint notes as `args`.
 * @throws DreamError `value` for what the release does not have: words embedded along, velocity prediction
 */
export function settingsOfConfig(config: DreamConfig): ReleaseSettings {
  const { latent, encoder, decoder, textTower, captions, joint, head, diffusion, contrastive, alignment } =
    config;
  if (captions.kind !== "states" || diffusion.kind !== "noise")
    throw new DreamError("value", {
      operation: "settings of the release",
      expected: "captions as states of a frozen encoder, and noise prediction: all that the release has",
      got: `captions as ${captions.kind}, ${diffusion.kind} prediction`,
    });
  const size = Object.entries(sizes).find(([, stack]) => stack.width === encoder.width)?.[0];
  const hidden = [joint.image, joint.text].flatMap((one) => ("hiddenWidth" in one ? [one.hiddenWidth] : []));
  return {
    ...(size === undefined ? {} : { model: `dream_${size}_txt_conditional` }),
    encoder_embed_dim: encoder.width,
    encoder_depth: encoder.depth,
    encoder_num_heads: encoder.heads,
    decoder_embed_dim: decoder.width,
    decoder_depth: decoder.depth,
    decoder_num_heads: decoder.heads,
    mlp_ratio: encoder.mlpWidth / encoder.width,
    norm_eps: config.normEpsilon,
    img_size: latent.side * vaeStride,
    vae_stride: vaeStride,
    vae_embed_dim: latent.channels,
    patch_size: latent.patch,
    buffer_size: config.bufferTokens,
    class_num: config.classes.count,
    label_drop_prob: config.classes.dropProbability,
    text_cfg: {
      context_length: textTower.contextLength,
      vocab_size: textTower.vocabulary,
      width: textTower.width,
      heads: textTower.heads,
      layers: textTower.depth,
    },
    t5_embed_dim: captions.width,
    text_max_len: captions.length,
    text_aligner_depth: config.alignerDepth,
    embed_dim: joint.width,
    vl_projection: flagOf(imageKinds, joint.image.kind),
    txt_projection: flagOf(textKinds, joint.text.kind),
    ...(hidden[0] === undefined ? {} : { ssl_mlp_dim: hidden[0] }),
    clip_loss_on: flagOf(pools, joint.pool),
    depth_to_align: joint.depth ?? -1,
    diffloss_d: head.depth,
    diffloss_w: head.width,
    num_sampling_steps: diffusion.sampling,
    diffusion_batch_mul: config.drawsPerToken,
    attn_dropout: config.dropout.attention,
    proj_dropout: config.dropout.projection,
    filter_clip_loss: contrastive.kind === "filtered",
    scale_loss_by_mask: contrastive.kind === "all" && contrastive.scaling === "by-kept-share",
    min_ratio_for_clip_loss: contrastive.minimumVisible,
    min_masked_ratio_for_mar_loss: config.minimumMasked,
    weight_mar_loss: config.lossWeights.generative,
    weight_clip_loss: config.lossWeights.contrastive,
    repa_alignment: alignment !== null,
    ...(alignment === null
      ? {}
      : {
          encoder_depth_proj: alignment.depth,
          projector_dim: alignment.hiddenWidth,
          z_dim: alignment.targetWidth,
          weight_repa_loss: alignment.weight,
        }),
  };
}
