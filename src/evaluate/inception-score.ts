/** @file The inception score (Salimans et al., 2016): pictures of which each is surely something, and which are not all the same. */
import { DreamError } from "../errors.js";
import { scope, type Tensor } from "../tensor/index.js";
import { drawnFeatures } from "./inception-features.js";
import { meanOf } from "./intervals.js";
import type { Measure } from "./measurement.js";

export interface InceptionScore {
  /** Of the parts. */
  readonly mean: number;
  /** Of the parts, as a population's. */
  readonly deviation: number;
}

/**
 * exp of the mean divergence between a picture's classes and all pictures', in parts taken in turn.
 * @param logits [n, classes] @param parts that pictures are cut into, in the order given
 * @throws DreamError `value` where a part would be empty
 */
export function inceptionScore(logits: Tensor, parts: number): InceptionScore {
  const count = logits.size(0);
  if (parts < 1 || count < parts)
    throw new DreamError("value", {
      operation: "inception score",
      expected: `${parts} pictures or more, one for each part`,
      got: String(count),
    });
  const scores = Array.from({ length: parts }, (_, part) => {
    const [first, end] = [Math.floor((part * count) / parts), Math.floor(((part + 1) * count) / parts)];
    return scope(() => {
      const own = logits.narrow(0, first, end - first).to({ device: "cpu", dtype: "float64" });
      const [log, share] = [own.logSoftmax(1), own.softmax(1)];
      const all = share.mean(0).log();
      return Math.exp(share.mul(log.sub(all)).sum(1).mean().item());
    });
  });
  const mean = meanOf(scores);
  const variance = scores.reduce((sum, one) => sum + (one - mean) ** 2, 0) / parts;
  return { mean, deviation: Math.sqrt(variance) };
}

/** As everybody takes it. */
const usualParts = 10;

export const inceptionScoreMeasure: Measure = {
  name: "inception-score",
  title: "Inception score of drawings",
  unit: "score",
  better: "higher",
  of: "drawings",
  lacks: ({ drawings, judges }) => {
    if (drawings === null) return "a model that draws";
    return judges.inception === null ? "the weights of the Inception network" : null;
  },
  run: async ({ drawings, judges }) => {
    const { drawn } = await drawings!();
    const { logits } = drawnFeatures(judges.inception!, drawn);
    const { mean, deviation } = inceptionScore(logits, usualParts);
    return {
      value: mean,
      interval: null,
      samples: drawn.length,
      outcomes: null,
      details: { parts: usualParts, deviation },
    };
  },
};
