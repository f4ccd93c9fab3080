/** @file How many tokens each decoding step draws, and how strongly it is guided (SPEC section 7). */
import { DreamError } from "../errors.js";
import type { SamplingMethod } from "../models/dream/token-diffusion.js";

/** Classifier-free guidance. `linear` grows with the share of tokens decoded; `constant` does not. */
export type Guidance =
  | { readonly kind: "none" }
  | { readonly kind: "linear" | "constant"; readonly scale: number };

/** How the diffusion head draws a step's tokens. */
export interface TokenSampling {
  readonly method: SamplingMethod;
  /**
   * Reverse steps in the first decoding step and in the last, and evenly between them: fewer are needed as the picture fills (DiSA, arXiv
   * 2505.20297). Null: as many as the model's own sampling has.
   */
  readonly diffusionSteps: { readonly first: number; readonly last: number } | null;
}

/** The paper's way. */
export const ancestral: TokenSampling = { method: "ancestral", diffusionSteps: null };

/** Reverse steps of one decoding step, null for the model's own. @param stepCount decoding steps asked for */
export function diffusionStepsAt(
  { diffusionSteps }: TokenSampling,
  index: number,
  stepCount: number,
): number | null {
  if (diffusionSteps === null) return null;
  const { first, last } = diffusionSteps;
  return Math.round(first + ((last - first) * index) / Math.max(1, stepCount - 1));
}

/** One decoding step that draws tokens. */
export interface DecodingStep {
  /** Its number among all steps asked for, from 0. */
  readonly index: number;
  /** Length of the next mask, the order's first so many tokens. Guidance counts by it; after the last step nothing is left. */
  readonly nextMaskLength: number;
  /** Tokens that this step draws. */
  readonly predicted: number;
  /** Guidance scale of the step. */
  readonly guidanceScale: number;
}

/** The masked count that the cosine asks for after a step: at least 1, and at least one token drawn. */
export function maskLengthAfter(masked: number, step: number, stepCount: number, tokenCount: number): number {
  const wanted = Math.floor(tokenCount * Math.cos(((Math.PI / 2) * (step + 1)) / stepCount));
  return Math.max(1, Math.min(masked - 1, wanted));
}

/** The guidance scale of a step whose next mask has so many tokens. */
export function guidanceScale(guidance: Guidance, maskLength: number, tokenCount: number): number {
  switch (guidance.kind) {
    case "none":
      return 1;
    case "constant":
      return guidance.scale;
    case "linear":
      return 1 + ((guidance.scale - 1) * (tokenCount - maskLength)) / tokenCount;
    default:
      throw new Error(`internal: no guidance ${guidance satisfies never}`);
  }
}

/**
 * The steps of one drawing. Steps with nothing to draw (more steps than tokens) are left out; the last draws all that is left.
 * @param tokenCount N @param stepCount S, at least 1
 * @param hidden tokens that are to be drawn; fewer than N where a part of a picture is given
 */
export function decodingSchedule(
  tokenCount: number,
  stepCount: number,
  guidance: Guidance,
  hidden: number = tokenCount,
): DecodingStep[] {
  if (!Number.isInteger(stepCount) || stepCount < 1)
    throw new DreamError("value", {
      operation: "decoding schedule",
      expected: "a whole number of steps, at least 1",
      got: String(stepCount),
    });
  const steps: DecodingStep[] = [];
  let masked = hidden;
  for (let index = 0; index < stepCount; index++) {
    const length = maskLengthAfter(masked, index, stepCount, hidden);
    const last = index === stepCount - 1;
    const predicted = last ? masked : masked - length;
    if (predicted > 0)
      steps.push({
        index,
        nextMaskLength: length,
        predicted,
        guidanceScale: guidanceScale(guidance, length, tokenCount),
      });
    masked = length;
  }
  return steps;
}

/**
 * How many steps of a schedule decode at least a share of the tokens.
 * @param fraction 0..1 of the tokens
 * @returns a number of entries of `steps`
 */
export function stepsToFraction(
  steps: readonly DecodingStep[],
  tokenCount: number,
  fraction: number,
): number {
  if (!(fraction > 0 && fraction <= 1))
    throw new DreamError("value", {
      operation: "select at fraction",
      expected: "a share of the tokens above 0 and at most 1",
      got: String(fraction),
    });
  let decoded = 0;
  const at = steps.findIndex(({ predicted }) => {
    decoded += predicted;
    return decoded / tokenCount >= fraction;
  });
  return at + 1;
}
