/** @file Convolution over images, with PyTorch's layout. */
import { convolution2d, type Device, type Tensor } from "../tensor/index.js";
import { Module, parameter } from "./module.js";

/** Sizes of one convolution: one number for both directions, or [down, across]. */
export interface Conv2dSize {
  readonly kernel: number | readonly [number, number];
  readonly stride?: number;
  readonly padding?: number | readonly [number, number];
}

export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly #stride: number;
  readonly #padding: number | readonly [number, number];

  constructor(
    inputChannels: number,
    outputChannels: number,
    { kernel, stride = 1, padding = 0 }: Conv2dSize,
    device: Device = "cpu",
  ) {
    super();
    const [down, across] = typeof kernel === "number" ? [kernel, kernel] : kernel;
    this.weight = parameter([outputChannels, inputChannels, down, across], device);
    this.bias = parameter([outputChannels], device);
    this.#stride = stride;
    this.#padding = padding;
  }

  /** @param x [B, C, H, W] @returns [B, out, H', W'] */
  forward(x: Tensor): Tensor {
    return convolution2d(x, this.weight, this.bias, this.#stride, this.#padding);
  }
}
