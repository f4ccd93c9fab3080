/** @file Pre-norm transformer blocks, as in timm's vision transformer (qkv with bias, exact GELU). */
import { type Device, gelu, scope, type Tensor } from "../tensor/index.js";
import { CrossAttention, type Dropout, placesOf, SelfAttention, type TextMemory } from "./attention.js";
import { dropPath } from "./drop-path.js";
import { dropout } from "./dropout.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";
import { LayerNorm } from "./norm.js";

/** Sizes of one block. */
export interface BlockSize {
  readonly width: number;
  readonly heads: number;
  /** Hidden width of the MLP. */
  readonly mlpWidth: number;
  /** Of every LayerNorm in the block. */
  readonly epsilon: number;
  readonly dropout: Dropout;
}

/** Linear, GELU, Linear; dropout acts after both (SPEC section 13). */
export class Mlp extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #dropped: number;

  constructor({ width, mlpWidth, dropout }: BlockSize, device: Device = "cpu") {
    super();
    this.fc1 = new Linear(width, mlpWidth, device);
    this.fc2 = new Linear(mlpWidth, width, device);
    this.#dropped = dropout.projection;
  }

  forward(x: Tensor): Tensor {
    const hidden = gelu(this.fc1.forward(x));
    if (this.mode === "eval" || this.#dropped === 0) return this.fc2.forward(hidden);
    return dropout(this.fc2.forward(dropout(hidden, this.#dropped)), this.#dropped);
  }
}

/** Self-attention and MLP, each with a residual. */
export class Block extends Module {
  readonly norm1: LayerNorm;
  readonly attention: SelfAttention;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp;
  readonly #pathDropped: number;

  /** @param pathDropped share of the samples for which each residual is left out in training */
  constructor(size: BlockSize, device: Device = "cpu", pathDropped = 0) {
    super();
    this.#pathDropped = pathDropped;
    this.norm1 = new LayerNorm(size.width, size.epsilon, device);
    this.attention = new SelfAttention(size.width, size.heads, size.dropout, device);
    this.norm2 = new LayerNorm(size.width, size.epsilon, device);
    this.mlp = new Mlp(size, device);
  }

  /** @param x [B, N, D] @param mask added to the attention scores, [N, N], or null */
  forward(x: Tensor, mask: Tensor | null = null): Tensor {
    return scope(() => {
      const dropped = this.mode === "train" ? this.#pathDropped : 0;
      const attended = x.add(dropPath(this.attention.forward(this.norm1.forward(x), mask), dropped));
      return attended.add(dropPath(this.mlp.forward(this.norm2.forward(attended)), dropped));
    });
  }
}

/** Self-attention, cross-attention to a text, and MLP, each with a residual; the text is not normed here. */
export class CrossBlock extends Module {
  readonly norm0: LayerNorm;
  readonly selfAttention: SelfAttention;
  readonly norm1: LayerNorm;
  readonly crossAttention: CrossAttention;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp;

  constructor(size: BlockSize, device: Device = "cpu") {
    super();
    this.norm0 = new LayerNorm(size.width, size.epsilon, device);
    this.selfAttention = new SelfAttention(size.width, size.heads, size.dropout, device);
    this.norm1 = new LayerNorm(size.width, size.epsilon, device);
    this.crossAttention = new CrossAttention(size.width, size.heads, size.dropout, device);
    this.norm2 = new LayerNorm(size.width, size.epsilon, device);
    this.mlp = new Mlp(size, device);
  }

  /**
   * @param x [B, N, D] @param memory this block's {@link CrossAttention.remember} of texts, one for each image or several: then all
   * images with their first texts come before all with their second, and so on, and what comes before the text is computed once
   * @param rows the places of [T B, N, D] whose outputs are wanted, as {@link placesOf} takes them; null for all
   * @returns [T B, N, D] of T texts for each image, or [T B, P, D] of the places
   */
  forward(x: Tensor, memory: TextMemory, rows: Tensor | null = null): Tensor {
    return scope(() => {
      const texts = memory.size(0) / x.size(0);
      // With texts apart, places are wanted of each.
      const read = texts > 1 && rows !== null ? x.repeat([texts, 1, 1]) : x;
      const wanted = rows === null ? read : placesOf(read, rows);
      const seen = wanted.add(this.selfAttention.forward(this.norm0.forward(read), null, rows));
      const each = seen.size(0) === memory.size(0) ? seen : seen.repeat([texts, 1, 1]);
      const told = each.add(this.crossAttention.forward(this.norm1.forward(each), memory));
      return told.add(this.mlp.forward(this.norm2.forward(told)));
    });
  }
}
