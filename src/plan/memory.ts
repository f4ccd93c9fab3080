/**
 * @file The memory that training takes, on paper: counted from the model's shapes before anything is allocated. Weights, gradients
 * and moments are exact; what the backward pass keeps is counted layer by layer (`activations.ts`), in blocks as the addon's allocator
 * hands them out (`native/allocator.cc`).
 */
import type { Recipe } from "../recipe/recipe.js";
import { activationBytes, type DeviceKind } from "./activations.js";
import { parameterCounts } from "./communication.js";

/** How a run is spread over devices of one kind: a process for each. */
export interface Placement {
  readonly processes: number;
  readonly device: DeviceKind;
  /** Bytes of frozen models that stay open in each process. */
  readonly frozen: number;
}

/** One process on the processor, fed from a cache or without frozen models. */
export const alone: Placement = { processes: 1, device: "cpu", frozen: 0 };

/** Bytes of one process. */
export interface MemoryPlan {
  readonly parameters: number;
  /** Weights, gradients, both moments, averages: five float32 numbers for each parameter. */
  readonly training: number;
  /** Copies of the weights in bfloat16, which its products read and keep for the backward pass. */
  readonly casts: number;
  /** Gradients a second time, where a process adds up those of several rounds before all sum theirs. */
  readonly buckets: number;
  /** What a step keeps for its backward pass, and the gradients under way. */
  readonly activations: number;
  /** libtorch itself, and freed blocks that are kept for the next step. */
  readonly engine: number;
  /** Frozen models that stay open. */
  readonly frozen: number;
  /** Weights, averages and moments as they were when a checkpoint began to be written: on the processor's side, in the first process. */
  readonly snapshot: number;
  /** Of the device; where that is the processor, with the snapshot. */
  readonly total: number;
}

const float = 4;

/** The allocator's classes of size are an eighth of a power of two apart. */
const blockRounding = 9 / 8;

/**
 * libtorch and what JavaScript has, as measured, and at most so much of freed blocks is kept; on CUDA the driver's context and the
 * libraries' workspaces.
 */
const engines: Readonly<Record<DeviceKind, number>> = { cpu: 300e6 + 512 * 2 ** 20, cuda: 1.5e9 };

/** What a step of a run holds, told before anything is allocated. @param recipe in the precision in which it runs */
export function planMemory(recipe: Recipe, { processes, device, frozen }: Placement = alone): MemoryPlan {
  const parameters = parameterCounts(recipe.model).total;
  const pictures = Math.ceil(recipe.batchSize / processes / recipe.accumulation);
  const { kept, passing } = activationBytes(recipe, device);
  const plan = {
    parameters,
    training: 5 * float * parameters,
    casts: recipe.precision === "float32" ? 0 : 2 * parameters,
    buckets: processes > 1 && recipe.accumulation > 1 ? float * parameters : 0,
    activations: blockRounding * pictures * (kept + passing),
    engine: engines[device],
    frozen,
    snapshot: 4 * float * parameters,
  };
  const { training, casts, buckets, activations, engine, snapshot } = plan;
  const host = device === "cpu" ? snapshot : 0;
  return { ...plan, total: training + casts + buckets + activations + engine + frozen + host };
}

/** A plan in a sentence. */
export function describeMemory(plan: MemoryPlan): string {
  const { parameters, training, casts, buckets, activations, engine, frozen, snapshot, total } = plan;
  const others = training + casts + buckets + activations + engine + frozen;
  const parts = [
    `${gigabytes(training)} for weights, gradients, moments and averages`,
    ...(casts === 0 ? [] : [`${gigabytes(casts)} for weights in bfloat16`]),
    ...(buckets === 0 ? [] : [`${gigabytes(buckets)} for gradients on their way`]),
    `up to ${gigabytes(activations)} for a step's activations`,
    `${gigabytes(engine)} for the engine and the blocks it keeps`,
    ...(frozen === 0 ? [] : [`${gigabytes(frozen)} for frozen models`]),
    ...(total > others ? [`${gigabytes(snapshot)} for the copy that checkpoints are written from`] : []),
  ];
  return `${(parameters / 1e6).toFixed(1)}M parameters: ${parts.join(", ")}; ${gigabytes(total)} in all`;
}

/** Bytes for people. */
export const gigabytes = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
