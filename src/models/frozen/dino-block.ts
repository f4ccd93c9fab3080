/** @file DINOv2's block (Oquab et al. 2023): what attention and MLP add is scaled channel by channel. */
import { LayerNorm, Linear, LinearMap, Mlp, Module, noDropout, parameter } from "../../nn/index.js";
import { type Device, scope, type Tensor } from "../../tensor/index.js";
import type { DinoConfig } from "./dino-config.js";
import { SplitSelfAttention } from "./split-attention.js";

export class DinoBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attention: SplitSelfAttention;
  readonly scale1: Tensor;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp | SwiGlu;
  readonly scale2: Tensor;

  constructor({ width, heads, epsilon, qkv, mlp }: DinoConfig, device: Device) {
    super();
    const Projection = qkv === "biased" ? Linear : LinearMap;
    this.norm1 = new LayerNorm(width, epsilon, device);
    this.attention = new SplitSelfAttention(width, heads, Projection, device);
    this.scale1 = parameter([width], device);
    this.norm2 = new LayerNorm(width, epsilon, device);
    this.mlp =
      mlp.kind === "swiglu"
        ? new SwiGlu(width, mlp.width, device)
        : new Mlp({ width, heads, epsilon, mlpWidth: mlp.width, dropout: noDropout }, device);
    this.scale2 = parameter([width], device);
  }

  /** @param x [B, N, D] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const attended = x.add(this.attention.forward(this.norm1.forward(x)).mul(this.scale1));
      return attended.add(this.mlp.forward(this.norm2.forward(attended)).mul(this.scale2));
    });
  }
}

/** One half of a map, through SiLU, multiplies the other (Shazeer 2020). */
class SwiGlu extends Module {
  readonly input: Linear;
  readonly output: Linear;

  constructor(width: number, hiddenWidth: number, device: Device) {
    super();
    this.input = new Linear(width, 2 * hiddenWidth, device);
    this.output = new Linear(hiddenWidth, width, device);
  }

  forward(x: Tensor): Tensor {
    const [gate, value] = this.input.forward(x).chunk(2, -1) as [Tensor, Tensor];
    return this.output.forward(gate.silu().mul(value));
  }
}
