/**
 * @file The layers of an image autoencoder (diffusers' `ResnetBlock2D`, `Attention`, `Downsample2D`, `Upsample2D`), for inference:
 * at full size one activation of a batch is hundreds of megabytes, so none is kept longer than it is needed.
 */
import { Conv2d, GroupNorm, Linear, Module } from "../../nn/index.js";
import { constantPad, type Device, scope, type Tensor, upsampleNearest } from "../../tensor/index.js";
import { type Layer, through } from "./through.js";

const epsilon = 1e-6;

export const silu: Layer = { forward: (x) => x.silu() };

/** Two normalised convolutions, added to the input. */
export class ResnetBlock extends Module {
  readonly norm1: GroupNorm;
  readonly conv1: Conv2d;
  readonly norm2: GroupNorm;
  readonly conv2: Conv2d;
  readonly convShortcut: Conv2d | null;

  constructor(inputChannels: number, outputChannels: number, groups: number, device: Device) {
    super();
    this.norm1 = new GroupNorm(groups, inputChannels, epsilon, device);
    this.conv1 = new Conv2d(inputChannels, outputChannels, { kernel: 3, padding: 1 }, device);
    this.norm2 = new GroupNorm(groups, outputChannels, epsilon, device);
    this.conv2 = new Conv2d(outputChannels, outputChannels, { kernel: 3, padding: 1 }, device);
    this.convShortcut =
      inputChannels === outputChannels
        ? null
        : new Conv2d(inputChannels, outputChannels, { kernel: 1 }, device);
  }

  /** @param x [B, in, H, W] @returns [B, out, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const change = through(x, [this.norm1, silu, this.conv1, this.norm2, silu, this.conv2]);
      return change.add_(this.convShortcut?.forward(x) ?? x);
    });
  }
}

/** Attention of every place to every place, with one head, added to the input. */
export class SpatialAttention extends Module {
  readonly groupNorm: GroupNorm;
  readonly toQ: Linear;
  readonly toK: Linear;
  readonly toV: Linear;
  readonly toOut: Linear;

  constructor(channels: number, groups: number, device: Device) {
    super();
    this.groupNorm = new GroupNorm(groups, channels, epsilon, device);
    this.toQ = new Linear(channels, channels, device);
    this.toK = new Linear(channels, channels, device);
    this.toV = new Linear(channels, channels, device);
    this.toOut = new Linear(channels, channels, device);
  }

  /** @param x [B, C, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const [B, C, H, W] = x.shape as [number, number, number, number];
      const places = this.groupNorm
        .forward(x)
        .reshape([B, C, H * W])
        .transpose(1, 2); // [B, N, C]
      const queries = this.toQ.forward(places).mul_(C ** -0.5);
      const weights = queries.bmm(this.toK.forward(places).transpose(1, 2)).softmax(-1); // [B, N, N]
      const seen = this.toOut.forward(weights.bmm(this.toV.forward(places)));
      return seen.transpose(1, 2).reshape([B, C, H, W]).add(x);
    });
  }
}

/** Halves both sides. The padding is below and to the right alone. */
export class Downsample extends Module {
  readonly conv: Conv2d;

  constructor(channels: number, device: Device) {
    super();
    this.conv = new Conv2d(channels, channels, { kernel: 3, stride: 2 }, device);
  }

  /** @param x [B, C, H, W] @returns [B, C, H / 2, W / 2], rounded down */
  forward(x: Tensor): Tensor {
    return scope(() => this.conv.forward(constantPad(x, [0, 1, 0, 1])));
  }
}

/** Doubles both sides by repetition, then a convolution. */
export class Upsample extends Module {
  readonly conv: Conv2d;

  constructor(channels: number, device: Device) {
    super();
    this.conv = new Conv2d(channels, channels, { kernel: 3, padding: 1 }, device);
  }

  /** @param x [B, C, H, W] @returns [B, C, 2 H, 2 W] */
  forward(x: Tensor): Tensor {
    return scope(() => this.conv.forward(upsampleNearest(x, [2 * x.size(2), 2 * x.size(3)])));
  }
}
