/** @file The configuration of a recording, in the release's flags, as ours. */
import { DreamError, unknownName } from "../errors.js";
import type {
  AlignmentConfig,
  ContrastiveConfig,
  DreamConfig,
  ImageProjectionConfig,
  Pool,
  TextProjectionConfig,
} from "../models/dream/config.js";

type Flags = Readonly<Record<string, unknown>>;

const operation = "read recorded config";

function number(flags: Flags, name: string, fallback?: number): number {
  const value = flags[name] ?? fallback;
  if (typeof value !== "number")
    throw new DreamError("format", {
      operation,
      expected: `a number for '${name}'`,
      got: JSON.stringify(flags[name]),
    });
  return value;
}

/** @param flags the `config` of a `*_golden.json` @throws DreamError `format` naming the flag that is missing or unknown */
export function configFromFlags(flags: Flags): DreamConfig {
  const stack = (part: "encoder" | "decoder") => {
    const width = number(flags, `${part}_embed_dim`);
    return {
      width,
      depth: number(flags, `${part}_depth`),
      heads: number(flags, `${part}_num_heads`),
      mlpWidth: Math.trunc(width * number(flags, "mlp_ratio", 4)),
    };
  };
  const text = (flags.text_cfg ?? {}) as Flags;
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
    lossWeights: { generative: 1, contrastive: 0.005 },
    alignment: alignmentFromFlags(flags),
  };
}

function contrastiveFromFlags(flags: Flags): ContrastiveConfig {
  const minimumVisible = number(flags, "min_ratio_for_clip_loss", 0);
  if (flags.filter_clip_loss === true) return { kind: "filtered", minimumVisible };
  return {
    kind: "all",
    minimumVisible,
    scaling: flags.scale_loss_by_mask === true ? "by-kept-share" : "none",
  };
}

function alignmentFromFlags(flags: Flags): AlignmentConfig | null {
  if (typeof flags.repa_depth !== "number") return null;
  return {
    depth: flags.repa_depth,
    hiddenWidth: number(flags, "repa_projector_dim", 2048),
    targetWidth: number(flags, "repa_z_dim", 768),
    weight: 0.5,
  };
}

/** The release's `vl_projection`. */
export function imageProjectionFromFlag(flag: string, hiddenWidth: number): ImageProjectionConfig {
  const known: Readonly<Record<string, ImageProjectionConfig>> = {
    identity: { kind: "identity" },
    linear: { kind: "linear" },
    post_linear: { kind: "post-linear" },
    mlp: { kind: "mlp", hiddenWidth },
    post_mlp: { kind: "post-mlp", hiddenWidth },
    mlp_stablerep: { kind: "batch-norm", hiddenWidth },
    post_mlp_stablerep: { kind: "post-batch-norm", hiddenWidth },
  };
  const found = known[flag];
  if (found === undefined) throw unknownName(operation, "image projection", flag, Object.keys(known));
  return found;
}

function textProjectionFromFlag(flag: string, hiddenWidth: number): TextProjectionConfig {
  const known: Readonly<Record<string, TextProjectionConfig>> = {
    linear: { kind: "linear" },
    mlp: { kind: "mlp", hiddenWidth },
    stablerep: { kind: "batch-norm", hiddenWidth },
  };
  const found = known[flag];
  if (found === undefined) throw unknownName(operation, "text projection", flag, Object.keys(known));
  return found;
}

function poolFromFlag(flag: string): Pool {
  const known: Readonly<Record<string, Pool>> = {
    "image-text": "all",
    "image-tokens-text": "image",
    buffer: "buffer",
  };
  const found = known[flag];
  if (found === undefined) throw unknownName(operation, "pool", flag, Object.keys(known));
  return found;
}
