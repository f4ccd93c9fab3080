/**
 * @file The arithmetic of drawing, on paper: operations of the matrix products that the engine asks for (`generate/`), with what it shares
 * counted once. What an engine keeps from drawing to drawing is not counted.
 */
import { type DecodingStep, diffusionStepsAt, type TokenSampling } from "../generate/schedule.js";
import { branchings, type Selection } from "../generate/selection.js";
import { type DreamConfig, type StackConfig, tokenCount, tokenWidth } from "../models/dream/config.js";
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

/** Calls of a part of the model that cost the same. */
export interface PartCalls {
  readonly part: "captions" | "encoder" | "decoder" | "head";
  readonly times: number;
  /** Operations of a call's products. */
  readonly flops: number;
  /** Numbers in the weights that a call reads. */
  readonly weights: number;
}

/** @param diffusionSteps the model's own, where the sampling leaves them to it */
export function drawingCalls(
  config: DreamConfig,
  diffusionSteps: number,
  { batch, steps, stepCount, sampling, selection, guided, guidanceEvery, textTokens }: PlannedDrawing,
): PartCalls[] {
  const N = tokenCount(config);
  const U = config.bufferTokens;
  const { encoder: E, decoder: D, captions: told } = config;
  const branches = guided ? 2 : 1;
  const parts = forwardFlops(config, N, textTokens);
  const choosing = selection.kind !== "none";
  const calls: PartCalls[] = [];
  const call = (part: PartCalls["part"], flops: number, weights: number, times = 1): void =>
    void calls.push({ part, times, flops, weights });
  call(
    "captions",
    batch *
      (parts.aligner.blocks +
        parts.aligner.around +
        D.depth * product(told.length, D.width, 2 * D.width) +
        (choosing ? parts.textTower.blocks : 0)),
    config.alignerDepth * blockWeights(D) + 2 * D.depth * D.width ** 2,
  );
  const encode = (canvases: number, visible: number): void =>
    call(
      "encoder",
      canvases * (E.depth * block(E, U + visible) + product(visible, tokenWidth(config), E.width)),
      E.depth * blockWeights(E),
    );
  const own = block(D, U + N) - 2 * product(U + N, D.width, D.mlpWidth);
  const whole = block(D, U + N) + crossAttention(D, U + N, told.length);
  let [rows, hidden, known] = [batch, N, true];
  for (const [i, { begun, kept }] of branchings(selection, steps).entries()) {
    const { predicted, index } = steps[i]!;
    const blank = i === 0;
    if (!known) encode(rows, N - hidden);
    const cached = guided && guidanceEvery > 1;
    const afresh = i % guidanceEvery === 0;
    const decoded = cached && !afresh ? 1 : branches;
    // What later steps do without is computed for all hidden tokens.
    const wanted = cached && afresh ? hidden : predicted;
    const last = block(D, U + N, wanted) + crossAttention(D, wanted, told.length);
    // Until the first block reads its text, both branches are the same, and on the empty canvas all pictures.
    const shared = D.depth > 1 ? (decoded * rows - (blank ? 1 : rows)) * own : 0;
    call(
      "decoder",
      decoded * rows * ((D.depth - 1) * whole + last) -
        shared +
        (blank ? 1 : rows) * product(U + N - hidden, E.width, D.width),
      D.depth * (blockWeights(D) + 2 * D.width ** 2),
    );
    const parted = rows * begun;
    call(
      "head",
      branches * predicted * (rows * product(1, D.width, config.head.width)),
      D.width * config.head.width,
    );
    call(
      "head",
      denoisingFlops(config, parted * predicted, branches * parted * predicted),
      denoisingFlops(config, 1, 1) / 2,
      diffusionStepsAt(sampling, index, stepCount) ?? diffusionSteps,
    );
    hidden -= predicted;
    known = kept !== null;
    if (kept !== null) encode(parted, N - hidden);
    rows = kept === null ? parted : batch * kept;
  }
  return calls;
}

/** Of a block's four projections and its hidden layer. */
const blockWeights = ({ width, mlpWidth }: StackConfig): number => 4 * width ** 2 + 2 * width * mlpWidth;

/** Operations of all calls. */
export function callFlops(calls: readonly PartCalls[]): number {
  return calls.reduce((sum, { times, flops }) => sum + times * flops, 0);
}

/**
 * The least time that the calls can take: each multiplies, or waits for its weights.
 * @param readSeconds that so many numbers of a part's weights take to be read
 */
export function callSeconds(
  calls: readonly PartCalls[],
  flopsPerSecond: number,
  readSeconds: (weights: number) => number,
): number {
  const seconds = calls.map(
    ({ times, flops, weights }) => times * Math.max(flops / flopsPerSecond, readSeconds(weights)),
  );
  return seconds.reduce((sum, one) => sum + one, 0);
}
