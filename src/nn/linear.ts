/** @file Linear layers and embeddings, with PyTorch's layouts. */
import { type Device, embedding, linear, type Tensor } from "../tensor/index.js";
import { Module, parameter } from "./module.js";

/** y = x W^T + b; the weight is [out, in]. */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(inputWidth: number, outputWidth: number, device: Device = "cpu") {
    super();
    this.weight = parameter([outputWidth, inputWidth], device);
    this.bias = parameter([outputWidth], device);
  }

  /** @param x [..., in] @returns [..., out] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}

/** y = x W^T, without a bias. */
export class LinearMap extends Module {
  readonly weight: Tensor;

  constructor(inputWidth: number, outputWidth: number, device: Device = "cpu") {
    super();
    this.weight = parameter([outputWidth, inputWidth], device);
  }

  /** @param x [..., in] @returns [..., out] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight);
  }
}

/** Rows of a table. */
export class Embedding extends Module {
  readonly weight: Tensor;

  constructor(count: number, width: number, device: Device = "cpu") {
    super();
    this.weight = parameter([count, width], device);
  }

  /** @param ids int64 [...] @returns [..., width] */
  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids);
  }
}
