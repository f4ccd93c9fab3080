/** @file The two towers of CLIP (Radford et al. 2021): pre-norm transformers over the tokens of a text and the patches of a picture. */
import { DreamError } from "../../errors.js";
import { Embedding, LayerNorm, Linear, Module, parameter } from "../../nn/index.js";
import { cat, type Device, full, scope, type Tensor } from "../../tensor/index.js";
import { type ActivationName, activate } from "./activation.js";
import type { ClipBlockSize, ClipConfig } from "./clip-config.js";
import { embedPatches } from "./patches.js";
import { SplitSelfAttention } from "./split-attention.js";
import { throughBlocks } from "./through-blocks.js";

export class ClipTextTower extends Module {
  readonly tokenEmbedding: Embedding;
  readonly positions: Tensor;
  readonly blocks: ClipBlock[];
  readonly norm: LayerNorm;
  readonly #end: ClipConfig["text"]["end"];

  constructor(config: ClipConfig["text"], device: Device) {
    super();
    this.tokenEmbedding = new Embedding(config.vocabulary, config.width, device);
    this.positions = parameter([config.contextLength, config.width], device);
    this.blocks = blocks(config, device);
    this.norm = new LayerNorm(config.width, config.epsilon, device);
    this.#end = config.end;
  }

  /** The state at the end of each text. @param ids int64 [B, L] @returns [B, D] */
  forward(ids: Tensor): Tensor {
    return scope(() => {
      const [B, L] = ids.shape as [number, number];
      if (L > this.positions.size(0))
        throw new DreamError("shape", {
          operation: "embed texts",
          expected: `at most ${this.positions.size(0)} tokens`,
          got: String(L),
        });
      const { dtype, device } = this.positions;
      const causal = full([L, L], Number.NEGATIVE_INFINITY, { dtype, device }).triu(1);
      const x = this.tokenEmbedding.forward(ids).add(this.positions.narrow(0, 0, L));
      const ends = this.#ends(ids).reshape([B, 1, 1]);
      const states = throughBlocks(this.blocks, x, (block, states) => block.forward(states, causal));
      const last = states.gather(1, ends.expand([B, 1, states.size(2)]));
      return this.norm.forward(last.squeeze(1));
    });
  }

  /** Where each text ends, the first place where several are ends. @returns int64 [B] */
  #ends(ids: Tensor): Tensor {
    return this.#end.kind === "largest"
      ? ids.argmax(1)
      : ids.eq(this.#end.id).to({ dtype: "int64" }).argmax(1);
  }
}

export class ClipVisionTower extends Module {
  readonly classEmbedding: Tensor;
  readonly patchWeight: Tensor;
  readonly positions: Tensor;
  readonly inputNorm: LayerNorm;
  readonly blocks: ClipBlock[];
  readonly norm: LayerNorm;
  readonly #imageSize: number;

  constructor(config: ClipConfig["vision"], device: Device) {
    super();
    const { width, patchSize, imageSize, epsilon } = config;
    this.classEmbedding = parameter([width], device);
    this.patchWeight = parameter([width, 3, patchSize, patchSize], device);
    this.positions = parameter([Math.floor(imageSize / patchSize) ** 2 + 1, width], device);
    this.inputNorm = new LayerNorm(width, epsilon, device);
    this.blocks = blocks(config, device);
    this.norm = new LayerNorm(width, epsilon, device);
    this.#imageSize = imageSize;
  }

  /** The state of the class token. @param pixels [B, 3, S, S], normalised @returns [B, D] */
  forward(pixels: Tensor): Tensor {
    return scope(() => {
      const imageSize = this.#imageSize;
      const [B, channels, height, width] = pixels.shape;
      if (channels !== 3 || height !== imageSize || width !== imageSize)
        throw new DreamError("shape", {
          operation: "embed images",
          expected: `[B, 3, ${imageSize}, ${imageSize}]`,
          got: `[${pixels.shape.join(", ")}]`,
        });
      const { tokens } = embedPatches(pixels, this.patchWeight, null);
      const start = this.classEmbedding.expand([B!, 1, tokens.size(2)]);
      const x = this.inputNorm.forward(cat([start, tokens], 1).add(this.positions));
      const states = throughBlocks(this.blocks, x, (block, states) => block.forward(states, null));
      return this.norm.forward(states.select(1, 0));
    });
  }
}

/** Attention and MLP, each with a residual. */
class ClipBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attention: SplitSelfAttention;
  readonly norm2: LayerNorm;
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #activation: ActivationName;

  constructor({ width, heads, mlpWidth, epsilon, activation }: ClipBlockSize, device: Device) {
    super();
    this.norm1 = new LayerNorm(width, epsilon, device);
    this.attention = new SplitSelfAttention(width, heads, Linear, device);
    this.norm2 = new LayerNorm(width, epsilon, device);
    this.fc1 = new Linear(width, mlpWidth, device);
    this.fc2 = new Linear(mlpWidth, width, device);
    this.#activation = activation;
  }

  forward(x: Tensor, mask: Tensor | null): Tensor {
    return scope(() => {
      const attended = x.add(this.attention.forward(this.norm1.forward(x), mask));
      const hidden = activate(this.#activation, this.fc1.forward(this.norm2.forward(attended)));
      return attended.add(this.fc2.forward(hidden));
    });
  }
}

function blocks(config: ClipBlockSize, device: Device): ClipBlock[] {
  return Array.from({ length: config.depth }, () => new ClipBlock(config, device));
}
