/**
 * @file The arithmetic of training, on paper: operations of the matrix products (two for each multiplication and addition), counted
 * from the model's shapes and averaged over the masking schedule. Attention's products are counted whole, causal or not; sums, norms
 * and activation functions are not counted, nor the contrastive loss's own product, a few millionths of a step.
 */
import { type DreamConfig, type StackConfig, tokenCount, tokenWidth } from "../models/dream/config.js";
import { DreamModel } from "../models/dream/dream.js";
import type { Recipe } from "../recipe/recipe.js";
import type { Ceiling } from "../train/ceiling.js";
import { isBlockMatrix, orthogonalRounds } from "../train/muon.js";
import { hiddenCounts, mean } from "./hidden-counts.js";

/** Of a part of the model: its blocks, which can be computed again in the backward pass, and what stands around them. */
export interface PartFlops {
  readonly blocks: number;
  readonly around: number;
}

/** Of one picture's forward pass. */
export interface ForwardFlops {
  readonly encoder: PartFlops;
  readonly decoder: PartFlops;
  readonly aligner: PartFlops;
  readonly textTower: PartFlops;
  readonly head: PartFlops;
  /** Of both towers into the joint space. */
  readonly joint: PartFlops;
  /** Towards a frozen encoder's features; 0 where the config does not align to them. */
  readonly alignment: PartFlops;
}

/** Of one step of a whole batch. */
export interface StepFlops {
  readonly forward: number;
  /** Twice the forward pass, and what is computed again where activations are not kept. */
  readonly backward: number;
  /** Muon's orthogonal steps; AdamW multiplies no matrices. */
  readonly optimiser: number;
  readonly total: number;
}

/** x W of so many rows. */
export const product = (rows: number, inputWidth: number, outputWidth: number): number =>
  2 * rows * inputWidth * outputWidth;

/** Scores, and weighted values, of all heads. */
const attention = (queries: number, keys: number, width: number): number => 2 * product(queries, width, keys);

/** A block over `places` of which `wanted` are finished: every place has keys and values. */
export function block({ width, mlpWidth }: StackConfig, places: number, wanted: number = places): number {
  return (
    product(wanted, width, 2 * width) +
    product(places, width, 2 * width) +
    attention(wanted, places, width) +
    2 * product(wanted, width, mlpWidth)
  );
}

/** The part of a decoder's block that reads a text, whose keys and values are there. */
export function crossAttention({ width }: StackConfig, wanted: number, length: number): number {
  return product(wanted, width, 2 * width) + attention(wanted, length, width);
}

/**
 * The forward pass of one picture, all parts run.
 * @param hidden masked tokens, 0..N @param textTokens of its caption that the text tower reads
 */
export function forwardFlops(config: DreamConfig, hidden: number, textTokens: number): ForwardFlops {
  const { encoder, decoder, textTower, captions, bufferTokens, alignerDepth, alignment } = config;
  const N = tokenCount(config);
  const visible = bufferTokens + N - hidden;
  const places = bufferTokens + N;
  const L = captions.length;
  const tower = { ...textTower, mlpWidth: 4 * textTower.width };
  const decoding = (wanted: number): number =>
    block(decoder, places, wanted) + crossAttention(decoder, wanted, L);
  const aligned =
    alignment === null ? 0 : mlp(visible, encoder.width, alignment.hiddenWidth, alignment.targetWidth);
  return {
    encoder: {
      blocks: encoder.depth * block(encoder, visible),
      around: product(N - hidden, tokenWidth(config), encoder.width),
    },
    decoder: {
      // The last block finishes the hidden tokens only.
      blocks: (decoder.depth - 1) * decoding(places) + decoding(hidden),
      around:
        product(visible, encoder.width, decoder.width) +
        decoder.depth * product(L, decoder.width, 2 * decoder.width),
    },
    aligner: {
      blocks: alignerDepth * block(decoder, L),
      around: product(L, captions.width, decoder.width),
    },
    textTower: { blocks: textTower.depth * block(tower, textTokens), around: 0 },
    head: { blocks: 0, around: headFlops(config, config.drawsPerToken * hidden) },
    joint: { blocks: 0, around: jointFlops(config, visible) },
    alignment: { blocks: 0, around: aligned },
  };
}

/** The diffusion head over so many noisy tokens. */
function headFlops(config: DreamConfig, rows: number): number {
  const { width } = config.head;
  const time = product(rows, 256, width) + product(rows, width, width);
  return time + product(rows, config.decoder.width, width) + denoisingFlops(config, rows, rows);
}

/**
 * The head over noisy tokens whose times and conditions are embedded.
 * @param states noisy tokens @param rows conditions that they are looked at with
 */
export function denoisingFlops(config: DreamConfig, states: number, rows: number): number {
  const { width, depth } = config.head;
  const token = tokenWidth(config);
  const output = config.diffusion.kind === "noise" ? 2 * token : token;
  const ending = product(rows, width, 2 * width) + product(rows, width, output);
  return product(states, token, width) + depth * product(rows, width, 5 * width) + ending;
}

/** Three products with a hidden width between. */
function mlp(rows: number, input: number, hidden: number, output: number): number {
  return product(rows, input, hidden) + product(rows, hidden, hidden) + product(rows, hidden, output);
}

function jointFlops({ encoder, textTower, joint }: DreamConfig, visible: number): number {
  const { image, text, width } = joint;
  const side = (rows: number, input: number, projection: typeof image | typeof text): number => {
    if (projection.kind === "identity") return 0;
    const deep = "hiddenWidth" in projection;
    return deep ? mlp(rows, input, projection.hiddenWidth, width) : product(rows, input, width);
  };
  const rows = image.kind.startsWith("post-") ? 1 : visible;
  return side(rows, encoder.width, image) + side(1, textTower.width, text);
}

/** What of a recipe decides how much a picture costs. */
export type TrainedWith = Pick<Recipe, "model" | "activations" | "accumulation">;

/**
 * One picture's forward and backward pass in training: a group whose masked share is below the gate has no decoder, aligner and head,
 * a loss without weight no towers. Of several rounds all but the last bring their features before they are run
 * (`train/rounds.ts`).
 */
export function pictureFlops(
  { model, activations, accumulation }: TrainedWith,
  hidden: number,
  textTokens: number,
): Pick<StepFlops, "forward" | "backward"> {
  const { minimumMasked, lossWeights } = model;
  const parts = forwardFlops(model, hidden, textTokens);
  const generates = hidden > 0 && hidden / tokenCount(model) >= minimumMasked && lossWeights.generative > 0;
  const contrasts = lossWeights.contrastive > 0;
  const features = contrasts ? [parts.encoder, parts.textTower] : [];
  const run = [
    ...(contrasts ? [...features, parts.joint] : [parts.encoder]),
    ...(generates ? [parts.decoder, parts.aligner, parts.head] : []),
    parts.alignment,
  ];
  const forward = total(run) + (1 - 1 / accumulation) * total(features);
  const again = activations === "recomputed" ? run.reduce((sum, { blocks }) => sum + blocks, 0) : 0;
  return { forward, backward: 2 * total(run) + again };
}

const total = (parts: readonly PartFlops[]): number =>
  parts.reduce((sum, { blocks, around }) => sum + blocks + around, 0);

/** A recipe's mean step, over its whole masking schedule. @param textTokens that the text tower reads of each caption */
export function stepFlops(recipe: Recipe, textTokens: number): StepFlops {
  const { masking, epochs, batchSize, model, optimiser } = recipe;
  const hidden = hiddenCounts(masking, epochs, tokenCount(model));
  const meanOf = (pass: "forward" | "backward"): number =>
    batchSize * mean(hidden, (count) => pictureFlops(recipe, count, textTokens)[pass]);
  const [forward, backward] = [meanOf("forward"), meanOf("backward")];
  const steps = optimiser.muon === null ? 0 : muonFlops(model);
  return { forward, backward, optimiser: steps, total: forward + backward + steps };
}

/** One process's part of a step, by what the step says of its masks; groups that are gated and the others apart. */
export function maskedStepFlops(recipe: Recipe, processes: number): Ceiling["stepFlops"] {
  const { model, batchSize } = recipe;
  const pictures = batchSize / processes;
  return ({ maskRatio, generativeShare }) => {
    const hidden = Math.round(maskRatio * tokenCount(model));
    const picture = (minimumMasked: number): number => {
      const gated = { ...recipe, model: { ...model, minimumMasked } };
      const { forward, backward } = pictureFlops(gated, hidden, model.textTower.contextLength);
      return forward + backward;
    };
    return pictures * (generativeShare * picture(0) + (1 - generativeShare) * picture(2));
  };
}

/** Of Muon's iterations: for a matrix [m, n], m the smaller, a square, its square, and their product with the matrix. */
function muonFlops(config: DreamConfig): number {
  const model = new DreamModel(config, "meta");
  const sizes = model
    .parameters()
    .filter(isBlockMatrix)
    .map(([, { shape }]) => [Math.min(...shape), Math.max(...shape)] as const);
  model.dispose();
  return sizes.reduce((sum, [m, n]) => sum + orthogonalRounds * (2 * product(m, n, m) + product(m, m, m)), 0);
}
