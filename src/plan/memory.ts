/**
 * @file The memory that training takes, on paper: counted from the model's shapes before anything is allocated. Weights, gradients
 * and moments are exact; what the backward pass keeps is counted layer by layer for a step that hides nothing in the encoder, with
 * one block's gradients beside it, in blocks as the addon's allocator hands them out (`native/allocator.cc`).
 */
import { DreamError } from "../errors.js";
import { type DreamConfig, type StackConfig, tokenCount, tokenWidth } from "../models/dream/config.js";
import { Dream } from "../models/dream/dream.js";
import type { Recipe } from "../recipe/recipe.js";

/** Bytes. */
export interface MemoryPlan {
  readonly parameters: number;
  /** Weights, gradients, both moments, averages: five float32 numbers for each parameter. */
  readonly training: number;
  /** What a step keeps for its backward pass, and the gradients under way. */
  readonly activations: number;
  /** libtorch itself, and freed blocks that are kept for the next step. */
  readonly engine: number;
  /** Frozen models that stay open. */
  readonly frozen: number;
  readonly total: number;
}

const float = 4;

/** The allocator's classes of size are an eighth of a power of two apart. */
const blockRounding = 9 / 8;

/** libtorch and what JavaScript has, as measured; and at most so much of freed blocks is kept. */
const engine = 300e6 + 512 * 2 ** 20;

/** @param frozen bytes of frozen models' weights in memory */
export function planMemory({ model, batchSize }: Recipe, frozen: number): MemoryPlan {
  const parameters = new Dream(model, "meta")
    .parameters()
    .reduce((sum, [, { shape }]) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const training = 5 * float * parameters;
  const activations = blockRounding * float * batchSize * (numbersKept(model) + largestBlock(model));
  return {
    parameters,
    training,
    activations,
    engine,
    frozen,
    total: training + activations + engine + frozen,
  };
}

/** Numbers that the backward pass needs of one picture. */
function numbersKept(model: DreamConfig): number {
  const { encoder, decoder, textTower, captions, alignerDepth, bufferTokens, head, drawsPerToken } = model;
  const N = tokenCount(model);
  const places = bufferTokens + N;
  const tower = { ...textTower, mlpWidth: 4 * textTower.width };
  const cross = (stack: StackConfig): number =>
    // Normed input, queries, attended values; the text's keys and values; weights.
    places * 4 * stack.width + captions.length * 2 * stack.width + 2 * stack.heads * places * captions.length;
  const rows = drawsPerToken * N;
  return (
    encoder.depth * block(encoder, places) +
    decoder.depth * (block(decoder, places) + cross(decoder)) +
    alignerDepth * block(decoder, captions.length) +
    textTower.depth * block(tower, textTower.contextLength) +
    captions.length * captions.width +
    // Of each residual block of the head: input, norm, modulated, hidden twice, output, three modulations and their SiLU.
    rows * (head.depth * 11 * head.width + 6 * head.width + decoder.width + 6 * tokenWidth(model))
  );
}

/** Whose gradients may be there while all activations still are. */
function largestBlock(model: DreamConfig): number {
  const places = model.bufferTokens + tokenCount(model);
  return Math.max(block(model.encoder, places), block(model.decoder, places));
}

/** Of one block: two inputs, two norms, qkv, attended values, hidden values twice; attention's weights before and after dropout. */
function block({ width, heads, mlpWidth }: StackConfig, places: number): number {
  return places * (8 * width + 2 * mlpWidth) + 2 * heads * places * places;
}

/** A plan in a sentence. */
export function describeMemory(plan: MemoryPlan): string {
  const { parameters, training, activations, engine, frozen, total } = plan;
  const parts = [
    `${gigabytes(training)} for weights, gradients, moments and averages`,
    `up to ${gigabytes(activations)} for a step's activations`,
    `${gigabytes(engine)} for the engine and the blocks it keeps`,
    ...(frozen === 0 ? [] : [`${gigabytes(frozen)} for frozen models`]),
  ];
  return `${(parameters / 1e6).toFixed(1)}M parameters: ${parts.join(", ")}; ${gigabytes(total)} in all`;
}

/** @param available bytes of the machine @throws DreamError `value` where a plan needs more */
export function checkMemory(plan: MemoryPlan, available: number, batchSize: number): void {
  if (plan.total <= available) return;
  const fits = Math.floor(
    (batchSize * (available - (plan.total - plan.activations))) / Math.max(1, plan.activations),
  );
  throw new DreamError("value", {
    operation: "plan the run's memory",
    message: `this machine is too small: ${describeMemory(plan)}, where it has ${gigabytes(available)}`,
    hint:
      fits > 0
        ? `a batchSize of at most ${fits} would fit (now ${batchSize}), in no more maskGroups; copy the recipe, and lower its learning rate with it`
        : "even a batch of one does not fit; take a smaller size, or a machine with more memory",
  });
}

const gigabytes = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
