/** @file Multi-head attention: of a sequence to itself, and to another sequence. */
import {
  call,
  type Device,
  findOperator,
  isAvailable,
  linear,
  scaledDotProductAttention,
  type Tensor,
} from "../tensor/index.js";
import { dropout } from "./dropout.js";
import { Linear } from "./linear.js";
import { Module } from "./module.js";

/** Shares of attention weights and of outputs that are dropped in training. */
export interface Dropout {
  readonly attention: number;
  readonly projection: number;
}

export const noDropout: Dropout = { attention: 0, projection: 0 };

/** libtorch has one from 2.0 on; before, `native/attention.cc` stands in for it on the CPU. */
const fused = isAvailable(findOperator("aten::scaled_dot_product_attention"));

/**
 * Some places of each image, equally many of every one.
 * @param x [B, N, D] @param rows int64 [B P]: the places as rows of the [B N, D] matrix @returns [B, P, D]
 */
export function placesOf(x: Tensor, rows: Tensor): Tensor {
  return x
    .flatten(0, 1)
    .indexSelect(0, rows)
    .reshape([x.size(0), -1, x.size(2)]);
}

/** [parts, B, heads, N, d] from projections side by side. @param x [B, N, parts D] */
function splitHeads(x: Tensor, parts: number, heads: number): Tensor {
  const [B, N, width] = x.shape as [number, number, number];
  return x.reshape([B, N, parts, heads, width / parts / heads]).permute([2, 0, 3, 1, 4]);
}

/** [B, N, D] of all heads side by side, from [B, heads, N, d]. */
function joinHeads(x: Tensor): Tensor {
  const [B, heads, N, width] = x.shape as [number, number, number, number];
  return x.transpose(1, 2).reshape([B, N, heads * width]);
}

/**
 * libtorch's fused attention. On the CPU it drops no weights but one after another on one thread; there the products stand by
 * themselves with our dropout between.
 * @param qkv each [B, heads, N, d] @returns [B, N, D]
 */
function attendFused(qkv: readonly Tensor[], mask: Tensor | null, dropped: number): Tensor {
  const [q, k, v] = qkv as [Tensor, Tensor, Tensor];
  if (dropped === 0 || q.device !== "cpu")
    return joinHeads(scaledDotProductAttention(q, k, v, mask, dropped, false));
  const scores = q.mul(1 / Math.sqrt(q.size(3))).matmul(k.transpose(2, 3));
  const weights = (mask === null ? scores : scores.add(mask)).softmax(-1);
  return joinHeads(dropout(weights, dropped).matmul(v));
}

/**
 * softmax(q k^T / sqrt(d) + mask) v of queries to a text or to places, head by head.
 * @param q [B, N, D] @param kv keys and values side by side, [B, M, 2 D]
 * @param mask added to the scores, broadcast to [B, heads, N, M], or null @param dropped share of the weights, 0..1
 * @returns [B, N, D]
 */
export function attend(q: Tensor, kv: Tensor, heads: number, mask: Tensor | null, dropped: number): Tensor {
  if (fused)
    return attendFused(
      [...splitHeads(q, 1, heads).unbind(0), ...splitHeads(kv, 2, heads).unbind(0)],
      mask,
      dropped,
    );
  return call("dream::attention", q, kv, heads, mask, dropped) as Tensor;
}

/** The same of all places to all, from queries, keys and values side by side. @param qkv [B, N, 3 D] @returns [B, N, D] */
function attendWithin(qkv: Tensor, heads: number, mask: Tensor | null, dropped: number): Tensor {
  if (fused) return attendFused(splitHeads(qkv, 3, heads).unbind(0), mask, dropped);
  return call("dream::self_attention", qkv, heads, mask, dropped) as Tensor;
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

  /**
   * @param x [B, N, D]
   * @param mask added to the scores, [N, N], or null
   * @param rows the places whose outputs are wanted, as {@link placesOf} takes them; null for all. Every place is looked at.
   * @returns [B, N, D], or [B, P, D] of the places
   */
  forward(x: Tensor, mask: Tensor | null = null, rows: Tensor | null = null): Tensor {
    const training = this.mode === "train";
    const dropped = training ? this.#dropout.attention : 0;
    const out = this.projection.forward(
      rows === null
        ? attendWithin(this.qkv.forward(x), this.#heads, mask, dropped)
        : attend(this.#part(0, 1, placesOf(x, rows)), this.#part(1, 2, x), this.#heads, mask, dropped),
    );
    return training && this.#dropout.projection > 0 ? dropout(out, this.#dropout.projection) : out;
  }

  /** Queries, keys or values alone: `count` of the three from `first` on. */
  #part(first: number, count: number, x: Tensor): Tensor {
    const D = x.size(2);
    const part = (of: Tensor): Tensor => of.narrow(0, first * D, count * D);
    return linear(x, part(this.qkv.weight), part(this.qkv.bias));
  }
}

/** The keys and values of a text, [B, L, 2 D]; they do not change while a picture is drawn. */
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
    return this.kv.forward(text);
  }

  /** @param x [B, N, D] */
  forward(x: Tensor, memory: TextMemory): Tensor {
    const training = this.mode === "train";
    const dropped = training ? this.#dropout.attention : 0;
    const out = this.projection.forward(attend(this.q.forward(x), memory, this.#heads, null, dropped));
    return training && this.#dropout.projection > 0 ? dropout(out, this.#dropout.projection) : out;
  }
}
