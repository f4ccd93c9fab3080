/**
 * @file What the backward pass needs of a step, on paper: bytes for each picture, counted layer by layer for a step that hides nothing in
 * the encoder. In bfloat16 the residual stream and what norms read of it stay in float32; what products read is of two bytes.
 */
import { type DreamConfig, type StackConfig, tokenCount, tokenWidth } from "../models/dream/config.js";
import type { Recipe } from "../recipe/recipe.js";

/**
 * Devices differ in what they keep: on the processor attention's weights, and of dropout nothing (`native/dropout.cc`); on CUDA no
 * weights, and a byte for each of dropout's choices.
 */
export type DeviceKind = "cpu" | "cuda";

/** Of one picture, in bytes. */
export interface ActivationBytes {
  /** All that waits for the backward pass. */
  readonly kept: number;
  /** The gradients under way, and what of one block is computed again where blocks keep their inputs alone. */
  readonly passing: number;
}

const float = 4;

/** Bytes of a number that products read, and of one of dropout's choices. */
interface Sizes {
  readonly low: number;
  readonly choice: number;
  readonly device: DeviceKind;
}

/** @param recipe in the precision in which it runs */
export function activationBytes(
  { model, precision, activations }: Pick<Recipe, "model" | "precision" | "activations">,
  device: DeviceKind,
): ActivationBytes {
  const low = precision === "float32" ? float : 2;
  const sizes: Sizes = { low, choice: device === "cuda" ? 1 : 0, device };
  const stacks = stacksOf(model, sizes);
  const inputs = stacks.reduce((sum, { depth, input }) => sum + depth * input, 0);
  const blocks = stacks.reduce((sum, { depth, block }) => sum + depth * block, 0);
  const largest = Math.max(...stacks.map(({ block }) => block));
  const around = model.captions.length * model.captions.width * low + head(model, sizes);
  return activations === "kept"
    ? { kept: blocks + around, passing: largest }
    : { kept: inputs + around, passing: 2 * largest };
}

/** Bytes of a stack's block: its input alone, and all that its backward pass needs. */
interface StackBytes {
  readonly depth: number;
  readonly input: number;
  readonly block: number;
}

function stacksOf(model: DreamConfig, sizes: Sizes): StackBytes[] {
  const { encoder, decoder, textTower, captions, alignerDepth, bufferTokens, dropout } = model;
  const places = bufferTokens + tokenCount(model);
  const tower = { ...textTower, mlpWidth: 4 * textTower.width };
  const stack = (config: StackConfig, length: number, drops: boolean): StackBytes => ({
    depth: config.depth,
    input: float * length * config.width,
    block: block(config, length, drops ? dropout.projection : 0, sizes),
  });
  const decoding = stack(decoder, places, true);
  // What a block is told of the text waits beside its input.
  const told = sizes.low * captions.length * 2 * decoder.width;
  return [
    stack(encoder, places, true),
    {
      depth: decoding.depth,
      input: decoding.input + told,
      block: decoding.block + told + cross(decoder, places, captions.length, dropout.projection, sizes),
    },
    stack({ ...decoder, depth: alignerDepth }, captions.length, true),
    stack(tower, textTower.contextLength, false),
  ];
}

/** Two inputs; two norms, qkv, attended values, hidden values twice; what dropout chose; attention. */
function block(
  { width, heads, mlpWidth }: StackConfig,
  places: number,
  dropped: number,
  sizes: Sizes,
): number {
  const { low, choice } = sizes;
  const products = low * (6 * width + 2 * mlpWidth);
  const choices = dropped === 0 ? 0 : choice * (2 * width + mlpWidth);
  return places * (float * 2 * width + products + choices) + attention(heads, places, places, sizes);
}

/** An input; its norm, queries and attended values; what dropout chose; attention. */
function cross(
  { width, heads }: StackConfig,
  places: number,
  length: number,
  dropped: number,
  sizes: Sizes,
): number {
  const { low, choice } = sizes;
  const choices = dropped === 0 ? 0 : choice * width;
  return places * (float * width + low * 3 * width + choices) + attention(heads, places, length, sizes);
}

/** Weights; on CUDA one sum for each query. */
function attention(heads: number, queries: number, keys: number, { low, device }: Sizes): number {
  return device === "cuda" ? float * heads * queries : low * heads * queries * keys;
}

/**
 * Of each residual block of the head: input and norm; modulated, hidden twice, output, three modulations and their SiLU. Around them the
 * embeddings of time, condition and token.
 */
function head(model: DreamConfig, { low }: Sizes): number {
  const { depth, width } = model.head;
  const rows = model.drawsPerToken * tokenCount(model);
  const block = (2 * float + 9 * low) * width;
  return rows * (depth * block + low * (6 * width + model.decoder.width) + 6 * float * tokenWidth(model));
}
