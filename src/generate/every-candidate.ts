/**
 * @file Every candidate of every picture drawn to its end, with its score on the way: what choosing would have chosen, for any
 * number of candidates and any moment, can then be read off one set of drawings.
 */
import { tokenCount } from "../models/dream/config.js";
import { scope, type Tensor } from "../tensor/index.js";
import type { DrawingEngine } from "./engine.js";
import { drawLatents } from "./generate.js";
import { candidateSeed, SeededNoise, seededOrders } from "./noise.js";
import type { DrawingRequest } from "./request.js";
import { decodingSchedule, stepsToFraction } from "./schedule.js";
import { scoreCanvas } from "./selection.js";

export interface CandidatesRequest extends Omit<DrawingRequest, "orders" | "noise" | "selection"> {
  /** One for each picture. */
  readonly seeds: readonly number[];
  /** K */
  readonly candidates: number;
  /** Shares of the tokens at which every candidate is scored. */
  readonly fractions: readonly number[];
}

export interface EveryCandidate {
  /** [K B, C, H, W], candidate by candidate. */
  readonly latents: Tensor;
  /** For each fraction, K rows of B cosines. */
  readonly scores: readonly (readonly (readonly number[])[])[];
}

/** The same drawings as {@link drawLatents} makes with these seeds: candidate 0 is plain decoding. */
export function drawEveryCandidate(
  engine: DrawingEngine,
  { seeds, candidates: K, fractions, ...request }: CandidatesRequest,
): EveryCandidate {
  const { model } = engine;
  const N = tokenCount(model.config);
  const B = seeds.length;
  const steps = decodingSchedule(N, request.stepCount, request.guidance);
  const scoredAfter = fractions.map((fraction) => steps[stepsToFraction(steps, N, fraction) - 1]!.index);
  const scores: number[][][] = fractions.map(() => []);
  const latents = scope(() => {
    const texts = model.embedTexts(request.captionIds).repeat([K, 1]);
    const streams = Array.from({ length: K }, (_, k) => seeds.map((seed) => candidateSeed(seed, k))).flat();
    return drawLatents(
      engine,
      {
        ...request,
        captions: request.captions.repeat([K, ...request.captions.shape.slice(1).map(() => 1)]),
        orders: seededOrders(seeds, N).pick(streams.map((_, row) => row % B)),
        noise: new SeededNoise(streams),
        selection: { kind: "none" },
      },
      (event) => {
        if (event.kind !== "step") return;
        for (const [f, index] of scoredAfter.entries()) {
          if (event.step.index !== index) continue;
          const { scores: flat } = scoreCanvas(
            model,
            { tokens: event.tokens, mask: event.next, encoded: null, away: null },
            texts,
          );
          scores[f] = Array.from({ length: K }, (_, k) => flat.slice(k * B, (k + 1) * B));
        }
      },
    );
  });
  return { latents, scores };
}
