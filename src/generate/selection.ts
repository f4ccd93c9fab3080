/**
 * @file Semantically Aligned Decoding: which of several drawings is finished (SPEC section 7). The model's own text tower scores
 * a half-drawn picture by the cosine of its embedding and the caption's.
 */
import type { Dream } from "../models/dream/dream.js";
import { scope, type Tensor, tensor } from "../tensor/index.js";
import type { Canvas } from "./trajectory.js";

/** How drawings are chosen between. Steps are counted among all the steps asked for. */
export type Selection =
  /** One drawing, no choice. */
  | { readonly kind: "none" }
  /** K drawings run the steps before `atStep`; the best of each image is finished. The paper's SAD. */
  | { readonly kind: "once"; readonly candidates: number; readonly atStep: number }
  /** From `fromStep` on, every step is drawn K times and the best draw of each image kept. */
  | { readonly kind: "each-step"; readonly candidates: number; readonly fromStep: number };

/**
 * Cosine of pictures under way with their captions. The pass that tells is the encoder's pass of their next step.
 * @param texts [B, joint width], unit length
 * @returns B cosines, and the canvases with what the encoder gives of them
 */
export function scoreCanvas(model: Dream, canvas: Canvas, texts: Tensor): { scores: number[]; seen: Canvas } {
  return scope(() => {
    const { output, representation } = model.encoder.forward(canvas.tokens, canvas.mask);
    const scores = model.embedRepresentation(representation).mul(texts).sum(1).toNumbers();
    return { scores, seen: { ...canvas, encoded: output } };
  });
}

/** For each image the candidate of the highest score, the first of equals. @param scores K rows of B numbers */
export function bestCandidates(scores: readonly (readonly number[])[]): number[] {
  const [first = []] = scores;
  return first.map((_, image) =>
    scores.reduce((best, row, k) => (row[image]! > scores[best]![image]! ? k : best), 0),
  );
}

/** The chosen candidate of each image, from a canvas of K candidates after one another. [K B, ...] to [B, ...] */
export function pickCandidates({ tokens, mask, encoded }: Canvas, best: readonly number[]): Canvas {
  const B = best.length;
  const rows = best.map((candidate, image) => candidate * B + image);
  return scope(() => {
    const at = tensor(rows, [B], { dtype: "int64", device: tokens.device });
    return {
      tokens: tokens.indexSelect(0, at),
      mask: mask.pick(rows),
      encoded: encoded?.indexSelect(0, at) ?? null,
    };
  });
}
