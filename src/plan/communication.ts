/**
 * @file What the processes of a data-parallel step tell one another, on paper: bytes that each sends, and receives as many, where an
 * all-reduce goes around a ring in 2 (P - 1) / P of its tensor, and a gathering in (P - 1) / P of its result.
 */
import { DreamModel } from "../models/dream/dream.js";
import type { Recipe } from "../recipe/recipe.js";

/** Bytes that one process sends in one step. */
export interface CommunicationPlan {
  /** Every parameter's, in float32, summed. */
  readonly gradients: number;
  /** What every picture and caption brings to the joint space, gathered; BatchNorm and the loss see all of them everywhere. */
  readonly features: number;
  /** Losses for the journal. */
  readonly metrics: number;
  readonly total: number;
  /** Once, when a run begins: all parameters, handed from one process to the next. */
  readonly start: number;
}

const float = 4;

/** The generative and the alignment loss, in double precision. */
const metricBytes = 16;

/** How many parameters a model has. */
export interface ParameterCounts {
  /** By the name of a part. */
  readonly parts: Readonly<Record<string, number>>;
  readonly total: number;
}

/** Plans ask again and again of one model. */
const counted = new WeakMap<Recipe["model"], ParameterCounts>();

export function parameterCounts(model: Recipe["model"]): ParameterCounts {
  const known = counted.get(model) ?? countParameters(model);
  counted.set(model, known);
  return known;
}

function countParameters(config: Recipe["model"]): ParameterCounts {
  const parts: Record<string, number> = {};
  let total = 0;
  const model = new DreamModel(config, "meta");
  for (const [name, { elementCount }] of model.parameters()) {
    const [part = name] = name.split(".");
    parts[part] = (parts[part] ?? 0) + elementCount;
    total += elementCount;
  }
  model.dispose();
  return { parts, total };
}

/** What processes of a run send each other in a step. @param processes P */
export function planCommunication({ model, batchSize }: Recipe, processes: number): CommunicationPlan {
  const once = (processes - 1) / processes;
  const parameters = parameterCounts(model).total;
  const { encoder, textTower, lossWeights } = model;
  const brought = lossWeights.contrastive > 0 ? encoder.width + textTower.width : 0;
  const gradients = 2 * once * float * parameters;
  const features = once * float * batchSize * brought;
  const metrics = 2 * once * metricBytes;
  return {
    gradients,
    features,
    metrics,
    total: gradients + features + metrics,
    start: once * float * parameters,
  };
}
