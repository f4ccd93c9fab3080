/** @file Checks of single passes: tokens, encoder, embeddings, aligner, decoder (SPEC section 3). */

import type { Pool } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask } from "../models/dream/mask.js";
import { ImageProjection } from "../models/dream/projection.js";
import { pytorchName } from "../models/dream/pytorch-names.js";
import { imageProjectionFromFlag } from "../models/dream/release-settings.js";
import { patchify, unpatchify } from "../models/dream/tokens.js";
import { loadState, type NamedTensor } from "../nn/index.js";
import type { Tensor } from "../tensor/index.js";
import type { CheckBook } from "./subject.js";

const pools: Readonly<Record<string, Pool>> = { "": "all", _imgtokens: "image", _buffer: "buffer" };

/** @param model in `eval` mode with the recorded weights; not changed */
export function checkForward(book: CheckBook, model: DreamModel): void {
  const { recordings } = book;
  const { patch } = model.config.latent;
  if (recordings.hasInput("in.patch.latents"))
    book.check("out.patch.tokens", () => patchify(recordings.input("in.patch.latents"), patch));
  if (recordings.hasInput("in.unpatch.tokens"))
    book.check("out.unpatch.latents", () => unpatchify(recordings.input("in.unpatch.tokens"), patch));
  book.check("out.enc.logit_scale_exp", () => model.logitScale.exp().reshape([1]));
  if (recordings.hasInput("in.text.ids")) checkTextTower(book, model, recordings.input("in.text.ids"));
  if (!recordings.hasInput("in.enc.latents") || !recordings.hasInput("in.enc.mask")) return;
  const tokens = patchify(recordings.input("in.enc.latents"), patch);
  const mask = TokenMask.fromTensor(recordings.input("in.enc.mask"));
  const encoded = checkEncoder(book, model, tokens, mask);
  checkAlternatives(book, model, encoded);
  if (recordings.hasInput("in.dec.t5"))
    checkDecoder(book, model, encoded, tokens, mask, recordings.input("in.dec.t5"));
}

function checkTextTower(book: CheckBook, model: DreamModel, ids: Tensor): void {
  let x = model.textTower.embed(ids);
  for (const [i, block] of model.textTower.blocks.entries()) {
    x = model.textTower.through(block, x);
    const after = x;
    book.check(`out.mid.transformer.resblocks.${i}`, () => after);
  }
  book.check("out.text.feat_raw", () => model.textTower.features(ids));
  book.check("out.text.feat_norm", () => model.embedTexts(ids));
}

function checkEncoder(book: CheckBook, model: DreamModel, tokens: Tensor, mask: TokenMask): Tensor {
  const { encoder, imageProjection } = model;
  book.check("out.enc.tokens_in", () => tokens);
  let x = encoder.embed(tokens, mask);
  const first = x;
  book.check("out.mid.encoder_in", () => first);
  for (const [i, block] of encoder.blocks.entries()) {
    x = block.forward(x);
    const after = x;
    book.check(`out.mid.encoder_blocks.${i}`, () => after);
    book.check(`out.enc.rep_depth${i + 1}`, () => after);
  }
  const { output, representation } = encoder.forward(tokens, mask);
  book.check("out.enc.x", () => output);
  for (const [suffix, pool] of Object.entries(pools))
    book.check(`out.enc.proj_eval${suffix}`, () => imageProjection.forward(representation, pool));
  const none = TokenMask.none(mask.batch, mask.tokenCount);
  const bare = encoder.forward(tokens, none);
  book.check("out.enc.x_nomask", () => bare.output);
  book.check(
    "out.enc.x_allmask",
    () => encoder.forward(tokens, TokenMask.all(mask.batch, mask.tokenCount)).output,
  );
  book.check("out.enc.img_features", () => imageProjection.forward(bare.representation));
  return output;
}

/** The other image projections that the release offers, on the same encoder output. */
function checkAlternatives(book: CheckBook, model: DreamModel, encoded: Tensor): void {
  const { recordings } = book;
  const kinds = new Set(recordings.names.flatMap((name) => /^out\.alt\.(\w+)\.out_/.exec(name)?.[1] ?? []));
  for (const kind of kinds) {
    const prefix = `in.alt.${kind}.`;
    const names = recordings.names.filter((name) => name.startsWith(prefix));
    const weights = new Map(names.map((name) => [name.slice(prefix.length), recordings.input(name)]));
    const hidden = weights.get("image_projection.0.weight") ?? weights.get("image_projection.layer1.weight");
    const widths = { input: model.config.encoder.width, joint: model.config.joint.width };
    const config = imageProjectionFromFlag(kind, hidden?.size(0) ?? 0);
    const projection = new ImageProjection(config, widths, model.config.bufferTokens, model.device).setMode(
      "eval",
    );
    const state = [...projection.namedTensors()].map(
      ([path, tensor]): NamedTensor => [pytorchName(`imageProjection.${path}`), tensor],
    );
    const shapes = new Map([...weights].map(([name, tensor]) => [name, tensor.shape]));
    loadState(state, { name: prefix, shapes, read: (name) => weights.get(name)!.clone() });
    for (const [suffix, pool] of Object.entries({
      all: "all",
      imgtokens: "image",
      buffer: "buffer",
    } as const))
      book.check(`out.alt.${kind}.out_${suffix}`, () => projection.forward(encoded, pool));
  }
}

function checkDecoder(
  book: CheckBook,
  model: DreamModel,
  encoded: Tensor,
  tokens: Tensor,
  mask: TokenMask,
  states: Tensor,
): void {
  const { textAligner, decoder, encoder } = model;
  let text = textAligner.embed(states);
  for (const [i, block] of textAligner.blocks.entries()) {
    text = block.forward(text);
    const after = text;
    book.check(`out.mid.text_aligner.${i}`, () => after);
  }
  book.check("out.aligner.out", () => textAligner.forward(states));
  const memory = decoder.remember(text);
  let x = decoder.embed(encoded, mask);
  const first = x;
  book.check("out.mid.decoder_in", () => first);
  for (const [i, block] of decoder.blocks.entries()) {
    x = block.forward(x, memory[i]!);
    const after = x;
    book.check(`out.mid.decoder_blocks.${i}`, () => after);
  }
  const all = TokenMask.all(mask.batch, mask.tokenCount);
  book.check("out.dec.z", () => decoder.forward(encoded, mask, memory, all));
  book.check("out.dec.z_allmask", () =>
    decoder.forward(encoder.forward(tokens, all).output, all, memory, all),
  );
}
