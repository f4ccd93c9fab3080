/** @file LayerNorm, GroupNorm over channels, and BatchNorm over the first axis. */
import {
  batchNorm,
  type Device,
  groupNorm,
  layerNorm,
  ones,
  requireGrad,
  type Tensor,
  zeros,
} from "../tensor/index.js";
import { Module, parameter } from "./module.js";

/** Normalises the last axis. */
export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly #width: number;
  readonly #epsilon: number;

  constructor(width: number, epsilon: number, device: Device = "cpu") {
    super();
    this.weight = requireGrad(ones([width], { device }).persist());
    this.bias = parameter([width], device);
    this.#width = width;
    this.#epsilon = epsilon;
  }

  /**
   * @param x [..., width]; in lower precision it is normalised in float32, as automatic casts do where libtorch has them for it,
   * unless weight and bias are of that precision too
   */
  forward(x: Tensor): Tensor {
    const input = x.dtype === this.weight.dtype ? x : inFloat32(x);
    return layerNorm(input, this.#width, this.weight, this.bias, this.#epsilon);
  }
}

/** LayerNorm without scale and shift. @param x [..., width] */
export function plainLayerNorm(x: Tensor, epsilon: number): Tensor {
  return layerNorm(inFloat32(x), x.size(-1), null, null, epsilon);
}

function inFloat32(x: Tensor): Tensor {
  return x.dtype === "bfloat16" || x.dtype === "float16" ? x.to({ dtype: "float32" }) : x;
}

/** Normalises groups of channels of an image. */
export class GroupNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly #groups: number;
  readonly #epsilon: number;

  constructor(groups: number, channels: number, epsilon: number, device: Device = "cpu") {
    super();
    this.weight = requireGrad(ones([channels], { device }).persist());
    this.bias = parameter([channels], device);
    this.#groups = groups;
    this.#epsilon = epsilon;
  }

  /** @param x [B, C, ...] */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.#groups, this.weight, this.bias, this.#epsilon);
  }
}

/** Normalises each feature over the batch: eps 1e-5, momentum 0.1, statistics kept for `eval` (SPEC section 3). */
export class BatchNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVariance: Tensor;
  readonly batchCount: Tensor;

  constructor(width: number, device: Device = "cpu") {
    super();
    this.weight = requireGrad(ones([width], { device }).persist());
    this.bias = parameter([width], device);
    this.runningMean = zeros([width], { device }).persist();
    this.runningVariance = ones([width], { device }).persist();
    this.batchCount = zeros([], { device, dtype: "int64" }).persist();
  }

  /** @param x [B, width] */
  forward(x: Tensor): Tensor {
    const training = this.mode === "train";
    if (training) this.batchCount.add_(1);
    return batchNorm(
      inFloat32(x),
      this.weight,
      this.bias,
      this.runningMean,
      this.runningVariance,
      training,
      0.1,
      1e-5,
    );
  }
}
