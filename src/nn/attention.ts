/** @file Multi-head attention: of a sequence to itself, and to another sequence. */
import {
  type Device,
  dropout,
  findOperator,
  isAvailable,
  scaledDotProductAttention,
  type Tensor,
} from "../tensor/index.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";

/** Shares of attention weights and of outputs that are dropped in training. */
export interface Dropout {
  readonly attention: number;
  readonly projection: number;
}

export const noDropout: Dropout = { attention: 0, projection: 0 };

const fused = isAvailable(findOperator("aten::scaled_dot_product_attention"));

/**
 * softmax(q k^T / sqrt(d) + mask) v, by the fused kernel where libtorch has one.
 * @param q [B, heads, N, d] @param k [B, heads, M, d] @param v [B, heads, M, d]
 * @param mask added to the scores, [N, M], or null
 * @returns [B, heads, N, d]
 */
function attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | null, dropped: number): Tensor {
  if (fused) return scaledDotProductAttention(q, k, v, mask, dropped, false);
  const scores = q.mul(q.size(-1) ** -0.5).matmul(k.transpose(-2, -1));
  const weights = (mask === null ? scores : scores.add(mask)).softmax(-1);
  return (dropped > 0 ? dropout(weights, dropped, true) : weights).matmul(v);
}

/** [B, N, D] of all heads side by side, from [B, heads, N, d]. */
function joinHeads(x: Tensor): Tensor {
  const [B, heads, N, width] = x.shape as [number, number, number, number];
  return x.transpose(1, 2).reshape([B, N, heads * width]);
}

/** Self-attention with one fused projection to queries, keys and values. */
export class SelfAttention extends Module {
  readonly qkv: Linear;
  readonly projection: Linear;
  readonly #heads: number;
  readonly #dropout: Dropout;

  constructor(width: number, heads: number, dropped: Dropout, device: Device = "cpu") {
    super();
    this.qkv = new Linear(width, 3 * width, device);
    this.projection = new Linear(width, width, device);
    this.#heads = heads;
    this.#dropout = dropped;
  }

  /** @param x [B, N, D] @param mask added to the scores, [N, N], or null */
  forward(x: Tensor, mask: Tensor | null = null): Tensor {
    const [B, N, D] = x.shape as [number, number, number];
    const training = this.mode === "train";
    const [q, k, v] = this.qkv
      .forward(x)
      .reshape([B, N, 3, this.#heads, D / this.#heads])
      .permute([2, 0, 3, 1, 4])
      .unbind(0) as [Tensor, Tensor, Tensor];
    const out = this.projection.forward(
      joinHeads(attend(q, k, v, mask, training ? this.#dropout.attention : 0)),
    );
    return training && this.#dropout.projection > 0 ? dropout(out, this.#dropout.projection, true) : out;
  }
}

/** The keys and values of a text, [2, B, heads, L, d]; they do not change while a picture is drawn. */
export type TextMemory = Tensor;

/** Attention of image positions (queries) to a text (keys and values). */
export class CrossAttention extends Module {
  readonly q: Linear;
  readonly kv: Linear;
  readonly projection: Linear;
  readonly #heads: number;
  readonly #dropout: Dropout;

  constructor(width: number, heads: number, dropped: Dropout, device: Device = "cpu") {
    super();
    this.q = new Linear(width, width, device);
    this.kv = new Linear(width, 2 * width, device);
    this.projection = new Linear(width, width, device);
    this.#heads = heads;
    this.#dropout = dropped;
  }

  /** @param text [B, L, D] */
  remember(text: Tensor): TextMemory {
    const [B, L, D] = text.shape as [number, number, number];
    return this.kv
      .forward(text)
      .reshape([B, L, 2, this.#heads, D / this.#heads])
      .permute([2, 0, 3, 1, 4]);
  }

  /** @param x [B, N, D] */
  forward(x: Tensor, memory: TextMemory): Tensor {
    const [B, N, D] = x.shape as [number, number, number];
    const training = this.mode === "train";
    const q = this.q
      .forward(x)
      .reshape([B, N, this.#heads, D / this.#heads])
      .transpose(1, 2);
    const [k, v] = memory.unbind(0) as [Tensor, Tensor];
    const out = this.projection.forward(
      joinHeads(attend(q, k, v, null, training ? this.#dropout.attention : 0)),
    );
    return training && this.#dropout.projection > 0 ? dropout(out, this.#dropout.projection, true) : out;
  }
}
