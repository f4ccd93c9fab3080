/** @file What the drawing bench measures: sizes, batches, candidates and precisions, told to both sides. */
import type { Guidance } from "../src/generate/schedule.js";
import { ancestral, decodingSchedule, stepsToFraction } from "../src/generate/schedule.js";
import type { Selection } from "../src/generate/selection.js";
import { type DreamConfig, tokenCount } from "../src/models/dream/config.js";
import { type Size, sizes } from "./sizes.js";

export const steps = 16;
export const diffusionSteps = 25;
export const guidance = { kind: "linear", scale: 3 } as const satisfies Guidance;

/** What all drawings of the bench have. */
export const usual = {
  stepCount: steps,
  guidance,
  guidanceEvery: 1,
  temperature: 1,
  sampling: ancestral,
  negative: null,
  given: null,
} as const;

/** Of SAD: candidates, and the share of the tokens at which one is chosen. */
const choice = { candidates: 5, fraction: 0.125 };

/** One row's drawing. */
export interface DrawingCase {
  readonly size: Size;
  readonly device: "cpu" | "cuda";
  readonly precision: "float32" | "bfloat16";
  /** Pictures at a time. */
  readonly batch: number;
  /** 1 draws plainly. */
  readonly candidates: number;
  /** Steps before the choice. */
  readonly atStep: number;
  readonly rounds: number;
}

/** The model that is drawn with: fewer diffusion steps than the paper's, so that a row takes seconds. */
export const drawnWith = (size: Size): DreamConfig => ({
  ...sizes[size],
  diffusion: { kind: "noise", sampling: String(diffusionSteps) },
});

/** How many of the steps decode the share at which is chosen. */
export const choiceStep = (tokens: number, stepCount: number): number =>
  stepsToFraction(decodingSchedule(tokens, stepCount, guidance), tokens, choice.fraction);

export const selectionOf = ({ candidates, atStep }: Pick<DrawingCase, "candidates" | "atStep">): Selection =>
  candidates === 1 ? { kind: "none" } : { kind: "once", candidates, atStep };

function drawing(
  size: Size,
  kind: "plain" | "sad",
  batch: number,
  precision: DrawingCase["precision"] = "float32",
  device: DrawingCase["device"] = "cpu",
): DrawingCase {
  return {
    size,
    device,
    precision,
    batch,
    candidates: kind === "plain" ? 1 : choice.candidates,
    atStep: kind === "plain" ? 0 : choiceStep(tokenCount(sizes[size]), steps),
    rounds: size === "nano" ? 9 : 3,
  };
}

/** On a GPU, every size and batch in what it multiplies fastest. */
const onGpu = (["base", "large", "huge"] as const).flatMap((size) =>
  [1, 8, 64].map(
    (batch) => [`cuda-${size}-b${batch}-bf16`, drawing(size, "plain", batch, "bfloat16", "cuda")] as const,
  ),
);

/** By the rows' names. Those of one size and device stand beside one another: one model serves them. */
export const drawingCases: Readonly<Record<string, DrawingCase>> = {
  "plain-base-b1-f32": drawing("base", "plain", 1),
  "sad-base-b1-f32": drawing("base", "sad", 1),
  "plain-base-b1-bf16": drawing("base", "plain", 1, "bfloat16"),
  "sad-base-b1-bf16": drawing("base", "sad", 1, "bfloat16"),
  "plain-nano-b1-f32": drawing("nano", "plain", 1),
  "plain-nano-b8-f32": drawing("nano", "plain", 8),
  ...Object.fromEntries(onGpu),
};
