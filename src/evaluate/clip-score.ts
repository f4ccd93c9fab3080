/** @file How well drawings fit their captions, as another CLIP model sees it (Hessel et al., 2021): 100 times the cosine, nothing below 0. */
import { samplesOf } from "./drawn-samples.js";
import { meanInterval, meanOf } from "./intervals.js";
import type { Measure } from "./measurement.js";

/** @param cosines of pairs, -1..1 @returns a score for each, 0..100 */
export function clipScores(cosines: readonly number[]): number[] {
  return cosines.map((cosine) => 100 * Math.max(cosine, 0));
}

/** Pairs that a judge sees at a time. */
const window = 128;

export const clipScoreMeasure: Measure = {
  name: "clip-score",
  title: "CLIP score of drawings and their captions",
  unit: "score",
  better: "higher",
  of: "drawings",
  lacks: ({ drawings, judges }) => {
    if (drawings === null) return "a model that draws";
    return judges.pairs === null ? "a CLIP model as a judge of pictures and captions" : null;
  },
  run: async ({ data, drawings, judges }) => {
    const judge = judges.pairs!;
    const { drawn } = await drawings!();
    const cosines: number[] = [];
    for (let first = 0; first === 0 || first < drawn.length; first += window) {
      const some = drawn.slice(first, first + window);
      const samples = await samplesOf(data.test, some);
      const pictures = some.map(({ picture }) => picture);
      const captions = samples.map(({ caption }) => caption);
      cosines.push(...judge.scores(pictures, captions));
    }
    const scores = clipScores(cosines);
    const { mean, low, high } = meanInterval(scores);
    return {
      value: mean,
      interval: scores.length > 1 ? { low, high } : null,
      samples: scores.length,
      outcomes: scores,
      details: {
        judge: judge.name,
        cosine: meanOf(cosines),
      },
    };
  },
};
