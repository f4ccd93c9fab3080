/**
 * @file The arithmetic of drawing, on paper: operations of the matrix products that the engine asks for (`generate/`), with what it shares
 * counted once. What an engine keeps from drawing to drawing is not counted.
 */
import { type DecodingStep, diffusionStepsAt, type TokenSampling } from "../generate/schedule.js";
import { branchings, type Selection } from "../generate/selection.js";
import { type DreamConfig, tokenCount, tokenWidth } from "../models/dream/config.js";
import { block, crossAttention, denoisingFlops, forwardFlops, product } from "./flops.js";

export interface PlannedDrawing {
  /** Pictures that are drawn together. */
  readonly batch: number;
  readonly steps: readonly DecodingStep[];
  readonly stepCount: number;
  readonly sampling: TokenSampling;
  readonly selection: Selection;
  readonly guided: boolean;
  /** Steps from one computation of the branch without caption to the next. */
  readonly guidanceEvery: number;
  /** Of the captions, for the text tower; not read without selection. */
  readonly textTokens: number;
}

/** By parts. */
export interface DrawingFlops {
  readonly captions: number;
  readonly encoder: number;
  readonly decoder: number;
  readonly head: number;
  readonly total: number;
}

/** @param diffusionSteps the model's own, where the sampling leaves them to it */
export function drawingFlops(
  config: DreamConfig,
  diffusionSteps: number,
  { batch, steps, stepCount, sampling, selection, guided, guidanceEvery, textTokens }: PlannedDrawing,
): DrawingFlops {
  const N = tokenCount(config);
  const U = config.bufferTokens;
  const { encoder: E, decoder: D, captions: told } = config;
  const branches = guided ? 2 : 1;
  const parts = forwardFlops(config, N, textTokens);
  const choosing = selection.kind !== "none";
  const captions =
    batch *
    (parts.aligner.blocks +
      parts.aligner.around +
      D.depth * product(told.length, D.width, 2 * D.width) +
      (choosing ? parts.textTower.blocks : 0));
  const encoded = (visible: number): number =>
    E.depth * block(E, U + visible) + product(visible, tokenWidth(config), E.width);
  const own = block(D, U + N) - 2 * product(U + N, D.width, D.mlpWidth);
  const whole = block(D, U + N) + crossAttention(D, U + N, told.length);
  let [encoder, decoder, head] = [0, 0, 0];
  let [rows, hidden, known] = [batch, N, true];
  for (const [i, { begun, kept }] of branchings(selection, steps).entries()) {
    const { predicted, index } = steps[i]!;
    const blank = i === 0;
    if (!known) encoder += rows * encoded(N - hidden);
    const cached = guided && guidanceEvery > 1;
    const afresh = i % guidanceEvery === 0;
    const decoded = cached && !afresh ? 1 : branches;
    // What later steps do without is computed for all hidden tokens.
    const wanted = cached && afresh ? hidden : predicted;
    const last = block(D, U + N, wanted) + crossAttention(D, wanted, told.length);
    // Until the first block reads its text, both branches are the same, and on the empty canvas all pictures.
    const shared = D.depth > 1 ? (decoded * rows - (blank ? 1 : rows)) * own : 0;
    decoder +=
      decoded * rows * ((D.depth - 1) * whole + last) -
      shared +
      (blank ? 1 : rows) * product(U + N - hidden, E.width, D.width);
    const parted = rows * begun;
    const count = diffusionStepsAt(sampling, index, stepCount) ?? diffusionSteps;
    head +=
      branches * predicted * (rows * product(1, D.width, config.head.width)) +
      count * denoisingFlops(config, parted * predicted, branches * parted * predicted);
    hidden -= predicted;
    known = kept !== null;
    if (kept !== null) encoder += parted * encoded(N - hidden);
    rows = kept === null ? parted : batch * kept;
  }
  return { captions, encoder, decoder, head, total: captions + encoder + decoder + head };
}
