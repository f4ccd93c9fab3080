/**
 * @file Semantically Aligned Decoding: which of several drawings is finished (SPEC section 7). The model's own text tower scores
 * a half-drawn picture by the cosine of its embedding and the caption's.
 */
import { DreamError } from "../errors.js";
import type { DreamModel } from "../models/dream/dream.js";
import { scope, type Tensor, tensor } from "../tensor/index.js";
import type { DecodingStep } from "./schedule.js";
import type { Canvas } from "./trajectory.js";

/** How drawings are chosen between. Steps are counted among all the steps asked for. */
export type Selection =
  /** One drawing, no choice. */
  | { readonly kind: "none" }
  /** K drawings run the steps before `atStep`; the best of each image is finished. The paper's SAD. */
  | { readonly kind: "once"; readonly candidates: number; readonly atStep: number }
  /** The worst are dropped in several rounds, so that more can be begun in the same time; the last round keeps one. */
  | {
      readonly kind: "halving";
      readonly candidates: number;
      /** In order of their steps; `kept` falls to 1. */
      readonly rounds: readonly { readonly atStep: number; readonly kept: number }[];
      /** An image whose best is ahead of its second by so much keeps the best alone; null: never. */
      readonly separation: number | null;
    }
  /** From `fromStep` on, every step is drawn K times and the best draw of each image kept. */
  | { readonly kind: "each-step"; readonly candidates: number; readonly fromStep: number };

/** One drawing under way: of which image, and which of its candidates' noise goes on. */
export interface Trajectory {
  readonly image: number;
  readonly candidate: number;
}

/** What a selection does around one decoding step. */
export interface Branching {
  /** Drawings that go on from each one at this step. */
  readonly begun: number;
  /** How many of each image are kept after it; null: no choice falls. */
  readonly kept: number | null;
}

/**
 * What happens at each step of a schedule.
 * @throws DreamError `value` where a choice does not fall between the first step and the last, or keeps more than there are
 */
export function branchings(selection: Selection, steps: readonly DecodingStep[]): Branching[] {
  const { kind } = selection;
  if (kind === "none") return steps.map(() => ({ begun: 1, kept: null }));
  const K = selection.candidates;
  if (kind === "each-step")
    return steps.map(({ index }) =>
      index < selection.fromStep ? { begun: 1, kept: null } : { begun: K, kept: 1 },
    );
  const rounds = kind === "once" ? [{ atStep: selection.atStep, kept: 1 }] : selection.rounds;
  const chosenAfter = rounds.map(({ atStep }) => choicePlace(atStep, steps) - 1);
  const counts = [K, ...rounds.map(({ kept }) => kept)];
  const falls = counts.every((count, i) => i === 0 || count <= counts[i - 1]!) && counts.at(-1) === 1;
  if (!falls || chosenAfter.some((place, i) => i > 0 && place <= chosenAfter[i - 1]!))
    throw new DreamError("value", {
      operation: "select candidates",
      expected: "rounds at ever later steps, each keeping at most what is left, the last one keeping 1",
      got: `${K} candidates, then ${rounds.map(({ atStep, kept }) => `${kept} from step ${atStep}`).join(", ") || "no round"}`,
    });
  return steps.map((_, place) => {
    const round = chosenAfter.indexOf(place);
    return { begun: place === 0 ? K : 1, kept: round < 0 ? null : rounds[round]!.kept };
  });
}

/** Before which of the steps a choice falls. */
function choicePlace(atStep: number, steps: readonly DecodingStep[]): number {
  const place = steps.findIndex(({ index }) => index >= atStep);
  if (place >= 1) return place;
  throw new DreamError("value", {
    operation: "select candidates",
    expected: `a step from 1 to ${steps.at(-1)?.index ?? 1}`,
    got: String(atStep),
    hint: "the choice falls after the first step and before the last; a share of the tokens below 1",
  });
}

/**
 * Cosine of pictures under way with their captions. The pass that tells is the encoder's pass of their next step.
 * @param texts [B, joint width], unit length
 * @returns B cosines, and the canvases with what the encoder gives of them
 */
export function scoreCanvas(
  model: DreamModel,
  canvas: Canvas,
  texts: Tensor,
): { scores: number[]; seen: Canvas } {
  return scope(() => {
    const { output, representation } = model.encoder.forward(canvas.tokens, canvas.mask);
    const scores = model.embedRepresentation(representation).mul(texts).sum(1).toNumbers();
    return { scores, seen: { ...canvas, encoded: output } };
  });
}

/**
 * The trajectories that go on: of each image the `kept` of the highest scores, the first of equals; one where the best is ahead by
 * `separation`.
 * @returns places among the trajectories, image by image
 */
export function keptTrajectories(
  trajectories: readonly Trajectory[],
  scores: readonly number[],
  kept: number,
  separation: number | null,
): number[] {
  const images = new Map<number, number[]>();
  for (const [place, { image }] of trajectories.entries())
    images.set(image, [...(images.get(image) ?? []), place]);
  return [...images.values()].flatMap((places) => {
    const ranked = places.toSorted((a, b) => scores[b]! - scores[a]! || a - b);
    const [first, second] = ranked;
    const ahead = second === undefined ? Number.POSITIVE_INFINITY : scores[first!]! - scores[second]!;
    return ranked.slice(0, separation !== null && ahead >= separation ? 1 : kept).toSorted((a, b) => a - b);
  });
}

/** Some of the canvases, in the order given. */
export function pickCanvases({ tokens, mask, encoded, away }: Canvas, places: readonly number[]): Canvas {
  return scope(() => {
    const at = tensor(places, [places.length], { dtype: "int64", device: tokens.device });
    return {
      tokens: tokens.indexSelect(0, at),
      mask: mask.pick(places),
      encoded: encoded?.indexSelect(0, at) ?? null,
      away: away?.indexSelect(0, at) ?? null,
    };
  });
}
