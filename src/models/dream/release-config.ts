/**
 * @file The configuration of a model of the release, from a checkpoint: sizes from the tensors' shapes, which cannot lie, and what
 * shapes do not show (heads, patches, dropout, losses) from the settings beside them.
 */
import { DreamError } from "../../errors.js";
import { type DreamConfig, type SizeName, sizes } from "./config.js";
import { configFromFlags, type ReleaseSettings } from "./release-settings.js";

/** Shapes by the release's names. */
export type ReleaseShapes = ReadonlyMap<string, readonly number[]>;

/** The text tower's heads, at every size of the release. */
const textHeads = 8;

/**
 * @param source what the checkpoint is called in errors
 * @param settings its `args`; an empty object where it has none
 * @throws DreamError `state` naming the tensors that a DREAM has and this file lacks; `value` naming the settings that only `args` could
 *   tell, or that contradict the tensors
 */
export function configOfRelease(
  source: string,
  settings: ReleaseSettings,
  shapes: ReleaseShapes,
): DreamConfig {
  const sizesFound = settingsOfShapes(source, shapes);
  const heads = headsOf(source, settings, sizesFound.encoder_embed_dim);
  const projection = settings.vl_projection ?? (hasImageProjection(shapes) ? undefined : "identity");
  const { vae_embed_dim: channels, patch_size: patch } = settings;
  const unknown = [
    ...(heads === undefined ? ["model, or encoder_num_heads and decoder_num_heads"] : []),
    ...(projection === undefined ? ["vl_projection"] : []),
    ...(typeof channels === "number" ? [] : ["vae_embed_dim"]),
    ...(typeof patch === "number" ? [] : ["patch_size"]),
  ];
  if (unknown.length > 0)
    throw new DreamError("value", {
      operation: `read ${source}`,
      expected: `settings that shapes do not show: ${unknown.join("; ")}`,
      got: "none in its args",
      hint: "say which size and settings the model was trained with",
    });
  const { tokens, tokenWidth, encoderMlp, decoderMlp, ...found } = sizesFound;
  const side = Math.sqrt(tokens);
  if (!Number.isInteger(side) || Number(channels) * Number(patch) ** 2 !== tokenWidth)
    throw new DreamError("value", {
      operation: `read ${source}`,
      expected: `${channels} channels in patches of ${patch}, on a square`,
      got: `${tokens} tokens of ${tokenWidth} numbers`,
    });
  const stride = typeof settings.vae_stride === "number" ? settings.vae_stride : 8;
  const config = configFromFlags({
    ...settings,
    ...heads,
    ...found,
    vl_projection: projection,
    vae_stride: stride,
    img_size: side * Number(patch) * stride,
    text_cfg: { ...found.text_cfg, heads: textHeadsOf(settings) },
    ...alignmentOf(settings, shapes),
  });
  return {
    ...config,
    encoder: { ...config.encoder, mlpWidth: encoderMlp },
    decoder: { ...config.decoder, mlpWidth: decoderMlp },
  };
}

/** What the shapes say, under the names of the settings where there is one. */
function settingsOfShapes(source: string, shapes: ReleaseShapes) {
  const missing: string[] = [];
  const size = (name: string, axis: number): number => {
    const found = shapes.get(name)?.[axis];
    if (found === undefined) missing.push(name);
    return found ?? 0;
  };
  const depth = (stack: string): number => {
    let blocks = 0;
    while ([...inBlock].some((name) => shapes.has(`${stack}.${blocks}.${name}`))) blocks++;
    return blocks;
  };
  const tokens = size("diffusion_pos_embed_learned", 1);
  const text = projectionOf(shapes, "text_projection");
  const image = projectionOf(shapes, "image_projection");
  if (text === null) missing.push("text_projection");
  const found = {
    tokens,
    tokenWidth: size("z_proj.weight", 1),
    encoderMlp: size("encoder_blocks.0.mlp.fc1.weight", 0),
    decoderMlp: size("decoder_blocks.0.mlp.fc1.weight", 0),
    encoder_embed_dim: size("z_proj.weight", 0),
    encoder_depth: depth("encoder_blocks"),
    decoder_embed_dim: size("decoder_embed.weight", 0),
    decoder_depth: depth("decoder_blocks"),
    buffer_size: size("encoder_pos_embed_learned", 1) - tokens,
    class_num: size("class_emb.weight", 0),
    text_cfg: {
      context_length: size("positional_embedding", 0),
      vocab_size: size("token_embedding.weight", 0),
      width: size("token_embedding.weight", 1),
      layers: depth("transformer.resblocks"),
    },
    t5_embed_dim: size("text_proj.weight", 1),
    text_max_len: size("text_pos_emb", 1),
    text_aligner_depth: depth("text_aligner"),
    txt_projection: text?.flag,
    embed_dim: text?.width,
    ssl_mlp_dim: image?.hiddenWidth ?? text?.hiddenWidth ?? 1,
    diffloss_d: depth("diffloss.net.res_blocks"),
    diffloss_w: size("diffloss.net.input_proj.weight", 0),
  };
  if (missing.length > 0)
    throw new DreamError("state", {
      operation: `read ${source}`,
      expected: "a DREAM of the release",
      got: `no ${[...new Set(missing)].join(", ")}`,
      hint: "only dream_* models are read; those of REPA's own script have no text tower",
    });
  return found;
}

/** One parameter that every kind of block has. */
const inBlock = ["norm1.weight", "ln_1.weight", "in_ln.weight"];

/** A projection to the joint space: a matrix, three Linears, or three Linears with BatchNorm. */
function projectionOf(shapes: ReleaseShapes, name: string) {
  const matrix = shapes.get(name);
  if (matrix !== undefined) return { flag: "linear", width: matrix[1], hiddenWidth: undefined };
  const kinds = [
    ["mlp", "0", "4"],
    ["stablerep", "layer1", "layer3"],
  ] as const;
  for (const [flag, first, last] of kinds) {
    const hiddenWidth = shapes.get(`${name}.${first}.weight`)?.[0];
    const width = shapes.get(`${name}.${last}.weight`)?.[0];
    if (hiddenWidth !== undefined && width !== undefined) return { flag, width, hiddenWidth };
  }
  return null;
}

function hasImageProjection(shapes: ReleaseShapes): boolean {
  return projectionOf(shapes, "image_projection") !== null;
}

function headsOf(source: string, settings: ReleaseSettings, width: number) {
  const { encoder_num_heads, decoder_num_heads, model } = settings;
  if (typeof encoder_num_heads === "number" && typeof decoder_num_heads === "number")
    return { encoder_num_heads, decoder_num_heads };
  const size = typeof model === "string" ? /_(base|large|huge|giant)_/.exec(model)?.[1] : undefined;
  if (size === undefined) return undefined;
  const stack = sizes[size as SizeName];
  if (stack.width !== width)
    throw new DreamError("value", {
      operation: `read ${source}`,
      expected: `tensors ${stack.width} wide for ${String(model)}`,
      got: `${width}`,
    });
  return { encoder_num_heads: stack.heads, decoder_num_heads: stack.heads };
}

function textHeadsOf({ text_cfg: text }: ReleaseSettings): number {
  const heads = (text as { readonly heads?: unknown } | undefined)?.heads;
  return typeof heads === "number" ? heads : textHeads;
}

/** The alignment's settings, where the model has its projector. */
function alignmentOf(settings: ReleaseSettings, shapes: ReleaseShapes) {
  const projector = projectionOf(shapes, "repa_projector");
  if (projector === null) return {};
  return {
    repa_depth: settings.encoder_depth_proj ?? settings.repa_depth ?? 8,
    repa_projector_dim: projector.hiddenWidth,
    repa_z_dim: projector.width,
  };
}
