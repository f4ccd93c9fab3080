/**
 * @file What the processes of a data-parallel step tell one another, on paper: bytes that each sends, and receives as many, where an
 * all-reduce goes around a ring in 2 (P - 1) / P of its tensor, and a gathering in (P - 1) / P of its result.
 */
import { Dream } from "../models/dream/dream.js";
import type { Recipe } from "../recipe/recipe.js";

/** Bytes that one process sends in one step. */
export interface CommunicationPlan {
  /** Every parameter's, in float32, summed. */
  readonly gradients: number;
  /** Both embeddings of every sample, gathered, and their gradients, summed. */
  readonly features: number;
  /** BatchNorm's sums, forward and backward. */
  readonly statistics: number;
  /** Losses, shares and norms for the journal. */
  readonly metrics: number;
  readonly total: number;
  /** Once, when a run begins: all parameters, handed from one process to the next. */
  readonly start: number;
}

const float = 4;

/** Numbers of a step's report. */
const metricCount = 8;

/** Parameters of a model, by part. */
export function parameterCounts(model: Recipe["model"]): {
  readonly parts: Readonly<Record<string, number>>;
  readonly total: number;
} {
  const parts: Record<string, number> = {};
  let total = 0;
  for (const [name, { elementCount }] of new Dream(model, "meta").parameters()) {
    const [part = name] = name.split(".");
    parts[part] = (parts[part] ?? 0) + elementCount;
    total += elementCount;
  }
  return { parts, total };
}

/** @param processes P */
export function planCommunication({ model, batchSize }: Recipe, processes: number): CommunicationPlan {
  const once = (processes - 1) / processes;
  const parameters = parameterCounts(model).total;
  const reduced = (numbers: number): number => 2 * once * float * numbers;
  const contrasts = model.lossWeights.contrastive > 0;
  const embeddings = contrasts ? 2 * batchSize * model.joint.width : 0;
  const gradients = reduced(parameters);
  const features = once * float * embeddings + reduced(embeddings);
  const statistics = contrasts ? 2 * reduced(2 * normedWidth(model)) : 0;
  const metrics = reduced(metricCount);
  return {
    gradients,
    features,
    statistics,
    metrics,
    total: gradients + features + statistics + metrics,
    start: once * float * parameters,
  };
}

/** Features that BatchNorm normalises, over all its layers. */
function normedWidth({ joint: { image, text } }: Recipe["model"]): number {
  const widths = [image, text].map((one) =>
    /batch-norm/.test(one.kind) && "hiddenWidth" in one ? one.hiddenWidth : 0,
  );
  return widths.reduce((sum, width) => sum + 2 * width, 0);
}
