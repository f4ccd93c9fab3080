/**
 * @file The one decoding step: encode what is there, decode with and without the caption, draw the tokens whose
 * turn it is (SPEC section 7). The encoder never sees text, so both guidance branches share one encoding; the text's
 * keys and values are made once for a drawing.
 */
import type { Dream } from "../models/dream/dream.js";
import { TokenMask, type TokenOrders } from "../models/dream/mask.js";
import type { TokenNoise } from "../models/dream/token-diffusion.js";
import type { TextMemory } from "../nn/index.js";
import { cat, scope, type Tensor, zeros } from "../tensor/index.js";
import type { DecodingStep } from "./schedule.js";

/** Pictures under way. */
export interface Canvas {
  /** [B, N, C]; zero where nothing is drawn yet. */
  readonly tokens: Tensor;
  /** What is still hidden. */
  readonly mask: TokenMask;
}

/** What the pictures of a batch are drawn from. */
export interface Conditions {
  /** Each decoder block's memory: the captions' rows, then, under guidance, the empty caption's. */
  readonly memory: readonly TextMemory[];
  readonly guided: boolean;
}

/** Nothing drawn yet. */
export function emptyCanvas(model: Dream, batch: number, tokenCount: number): Canvas {
  const tokens = zeros([batch, tokenCount, model.diffusion.tokenWidth], { device: model.device });
  return { tokens, mask: TokenMask.all(batch, tokenCount) };
}

/**
 * Memory of captions, and of the empty one beside each under guidance.
 * @param captions states [B, L, W], or word ids int64 [B, L] @param empty the empty caption's, one row, or null
 */
export function rememberConditions(model: Dream, captions: Tensor, empty: Tensor | null): Conditions {
  return scope(() => {
    const told = model.rememberCaptions(captions);
    if (empty === null) return { memory: told, guided: false };
    const B = captions.size(0);
    const untold = model.rememberCaptions(empty);
    const memory = told.map((one, i) => cat([one, untold[i]!.expand([B, -1, -1])], 0));
    return { memory, guided: true };
  });
}

/** The conditions of K candidates of each image, candidate by candidate. */
export function repeatConditions({ memory, guided }: Conditions, times: number): Conditions {
  if (times === 1) return { memory, guided };
  const repeated = memory.map((one) =>
    scope(() =>
      cat(
        one.chunk(guided ? 2 : 1, 0).map((branch) => branch.repeat([times, 1, 1])),
        0,
      ),
    ),
  );
  return { memory: repeated, guided };
}

/** What one step is about to draw. */
export interface StepPlan {
  /** The tokens to draw. */
  readonly drawn: TokenMask;
  /** What is hidden in the next step. */
  readonly next: TokenMask;
  /** Decoder outputs of the tokens to draw: [P, D], and under guidance [2P, D], the captions' rows first. */
  readonly z: Tensor;
}

/** Encodes and decodes a canvas once, for drawing one step's tokens. */
export function planStep(
  model: Dream,
  canvas: Canvas,
  orders: TokenOrders,
  step: DecodingStep,
  { memory, guided }: Conditions,
): StepPlan {
  return scope(() => {
    const { tokens, mask } = canvas;
    const next = TokenMask.firstOf(orders, step.nextMaskLength);
    const drawn = step.predicted === mask.count ? mask : mask.minus(next);
    const { output } = model.encoder.forward(tokens, mask);
    const branches = guided ? 2 : 1;
    const z = model.decoder.forward(
      guided ? cat([output, output], 0) : output,
      mask.repeat(branches),
      memory,
      drawn.repeat(branches),
    );
    return { drawn, next, z: z.flatten(0, 1) };
  });
}

/** Draws a step's tokens by the diffusion head. @returns [P, C] */
export function drawTokens(
  model: Dream,
  { z }: StepPlan,
  step: DecodingStep,
  { guided }: Conditions,
  noise: TokenNoise,
  temperature: number,
): Tensor {
  return model.diffusion.sample(z, noise, temperature, guided ? { scale: step.guidanceScale } : null);
}

/** The canvas with a step's tokens put in place. @param values [P, C] */
export function fillIn({ tokens }: Canvas, { drawn, next }: StepPlan, values: Tensor): Canvas {
  return scope(() => {
    const shape = tokens.shape;
    const flat = tokens.flatten(0, 1).clone();
    flat.indexPut_([drawn.rows(tokens.device)], values);
    return { tokens: flat.reshape(shape), mask: next };
  });
}
