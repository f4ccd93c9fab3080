/** @file Self-attention with a projection each to queries, keys and values, as transformers stores its vision models. */
import { attend, Linear, type LinearMap, Module } from "../../nn/index.js";
import { cat, type Device, type Tensor } from "../../tensor/index.js";

export class SplitSelfAttention extends Module {
  readonly q: Linear | LinearMap;
  readonly k: Linear | LinearMap;
  readonly v: Linear | LinearMap;
  readonly projection: Linear;
  readonly #heads: number;

  /** @param Projection of queries, keys and values: with a bias, or without */
  constructor(
    width: number,
    heads: number,
    Projection: typeof Linear | typeof LinearMap,
    device: Device = "cpu",
  ) {
    super();
    this.q = new Projection(width, width, device);
    this.k = new Projection(width, width, device);
    this.v = new Projection(width, width, device);
    this.projection = new Linear(width, width, device);
    this.#heads = heads;
  }

  /** @param x [B, N, D] @param mask added to the scores, [N, N], or null @returns [B, N, D] */
  forward(x: Tensor, mask: Tensor | null = null): Tensor {
    const kv = cat([this.k.forward(x), this.v.forward(x)], 2);
    return this.projection.forward(inTypeOf(x, attend(this.q.forward(x), kv, this.#heads, mask, 0)));
  }
}

/** Attention of libtorch 1 answers in float32, whatever it is asked in. */
function inTypeOf(like: Tensor, x: Tensor): Tensor {
  return x.dtype === like.dtype ? x : x.to({ dtype: like.dtype });
}
