/** @file Whether candidates are drawn and chosen between, said in shares of the tokens; a drawing counts in steps. */
import { type DecodingStep, stepsToFraction } from "./generate/schedule.js";
import type { Selection } from "./generate/selection.js";

/** Whether candidates are drawn and chosen between. Shares are of the tokens that are drawn. */
export type Choice =
  | { readonly kind: "plain" }
  /** Semantically Aligned Decoding: K candidates until a share of the tokens is decoded, then the best is finished. */
  | { readonly kind: "aligned"; readonly candidates: number; readonly atFraction: number }
  /** The same with the worst dropped in several rounds. */
  | {
      readonly kind: "halving";
      readonly candidates: number;
      readonly rounds: readonly { readonly atFraction: number; readonly kept: number }[];
      /** A picture whose best is ahead of its second by so much stops choosing; null: never. */
      readonly separation: number | null;
    }
  /** From a share of the tokens on, each step is drawn K times, and the best of each kept. */
  | { readonly kind: "each-step"; readonly candidates: number; readonly fromFraction: number };

/** Half of the candidates after 5% of the tokens, a quarter after 12.5%, and the best after 25%. */
export function halving(candidates: number, separation: number | null): Choice {
  const rounds = [
    { atFraction: 0.05, kept: Math.ceil(candidates / 2) },
    { atFraction: 0.125, kept: Math.ceil(candidates / 4) },
    { atFraction: 0.25, kept: 1 },
  ];
  return { kind: "halving", candidates, rounds, separation };
}

/** A choice in steps; where all is drawn in one step there is no moment to choose at. @param steps of a drawing, with whatever guidance */
export function selectionFor(choice: Choice, steps: readonly DecodingStep[]): Selection {
  const tokens = steps.reduce((sum, { predicted }) => sum + predicted, 0);
  if (steps.length === 1) return { kind: "none" };
  const stepAfter = (fraction: number): number => {
    const last = steps[stepsToFraction(steps, tokens, fraction) - 1]!;
    // Few steps may have the share only in the last one, after which there is nothing to choose.
    return (fraction < 1 ? Math.min(last.index, steps.at(-2)!.index) : last.index) + 1;
  };
  switch (choice.kind) {
    case "plain":
      return { kind: "none" };
    case "aligned":
      return { kind: "once", candidates: choice.candidates, atStep: stepAfter(choice.atFraction) };
    case "halving": {
      // Where steps are few, rounds can fall together: the one that keeps least stands for them.
      const byStep = new Map<number, number>();
      for (const { atFraction, kept } of choice.rounds) byStep.set(stepAfter(atFraction), kept);
      const rounds = [...byStep].map(([atStep, kept]) => ({ atStep, kept }));
      return { kind: "halving", candidates: choice.candidates, rounds, separation: choice.separation };
    }
    case "each-step":
      return {
        kind: "each-step",
        candidates: choice.candidates,
        fromStep: choice.fromFraction === 0 ? 0 : stepAfter(choice.fromFraction),
      };
    default:
      throw new Error(`internal: no choice ${choice satisfies never}`);
  }
}
