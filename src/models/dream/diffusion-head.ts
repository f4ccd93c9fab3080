/**
 * @file The diffusion head: a small MLP that denoises one token at a time, conditioned on the decoder's output for its place
 * and on the diffusion time (SPEC section 3; MAR's `SimpleMLPAdaLN`).
 */
import { LayerNorm, Linear, Module, plainLayerNorm } from "../../nn/index.js";
import { arange, cat, type Device, scope, type Tensor } from "../../tensor/index.js";

const epsilon = 1e-6;
const frequencyCount = 128;

/** x (1 + scale) + shift. */
function modulate(x: Tensor, shift: Tensor, scale: Tensor): Tensor {
  return x.mul(scale.add(1)).add(shift);
}

/** Sinusoids of times, cosines first, base 10,000. @param times [R] @returns float32 [R, 256] */
export function timeFrequencies(times: Tensor): Tensor {
  return scope(() => {
    const exponents = arange(0, frequencyCount, 1, { dtype: "float32", device: times.device });
    const frequencies = exponents.mul(-Math.log(10000)).div(frequencyCount).exp();
    const angles = times.to({ dtype: "float32" }).unsqueeze(1).mul(frequencies.unsqueeze(0));
    return cat([angles.cos(), angles.sin()], 1);
  });
}

/** A Linear, SiLU and Linear over the sinusoids of the time. */
class TimeEmbedding extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;

  constructor(width: number, device: Device) {
    super();
    this.fc1 = new Linear(2 * frequencyCount, width, device);
    this.fc2 = new Linear(width, width, device);
  }

  forward(times: Tensor): Tensor {
    return scope(() => this.fc2.forward(this.fc1.forward(timeFrequencies(times)).silu()));
  }
}

/** LayerNorm, Linear, SiLU, Linear, shifted, scaled and gated by the condition. */
class ResidualBlock extends Module {
  readonly norm: LayerNorm;
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly modulation: Linear;

  constructor(width: number, device: Device) {
    super();
    this.norm = new LayerNorm(width, epsilon, device);
    this.fc1 = new Linear(width, width, device);
    this.fc2 = new Linear(width, width, device);
    this.modulation = new Linear(width, 3 * width, device);
  }

  /** @param x [R, W] @param condition SiLU(time + condition) [R, W] */
  forward(x: Tensor, condition: Tensor): Tensor {
    return scope(() => {
      const [shift, scale, gate] = this.modulation.forward(condition).chunk(3, -1) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const hidden = this.fc1.forward(modulate(this.norm.forward(x), shift, scale)).silu();
      return x.add(gate.mul(this.fc2.forward(hidden)));
    });
  }
}

class FinalLayer extends Module {
  readonly linear: Linear;
  readonly modulation: Linear;

  constructor(width: number, outputWidth: number, device: Device) {
    super();
    this.linear = new Linear(width, outputWidth, device);
    this.modulation = new Linear(width, 2 * width, device);
  }

  forward(x: Tensor, condition: Tensor): Tensor {
    return scope(() => {
      const [shift, scale] = this.modulation.forward(condition).chunk(2, -1) as [Tensor, Tensor];
      return this.linear.forward(modulate(plainLayerNorm(x, epsilon), shift, scale));
    });
  }
}

export class DiffusionHead extends Module {
  readonly timeEmbedding: TimeEmbedding;
  readonly condition: Linear;
  readonly input: Linear;
  readonly blocks: ResidualBlock[];
  readonly final: FinalLayer;

  constructor(
    widths: { readonly token: number; readonly condition: number; readonly output: number },
    { depth, width }: { readonly depth: number; readonly width: number },
    device: Device = "cpu",
  ) {
    super();
    this.timeEmbedding = new TimeEmbedding(width, device);
    this.condition = new Linear(widths.condition, width, device);
    this.input = new Linear(widths.token, width, device);
    this.blocks = Array.from({ length: depth }, () => new ResidualBlock(width, device));
    this.final = new FinalLayer(width, widths.output, device);
  }

  /** @param x noisy tokens [R, C] @param times [R] @param z decoder outputs [R, D] @returns [R, output width] */
  forward(x: Tensor, times: Tensor, z: Tensor): Tensor {
    return this.denoise(x, this.timeEmbedding.forward(times), this.condition.forward(z));
  }

  /** The same with both embeddings given: while a token is drawn, its condition stays and only the time changes. */
  denoise(x: Tensor, time: Tensor, condition: Tensor): Tensor {
    return scope(() => {
      const y = time.add(condition).silu();
      let hidden = this.input.forward(x);
      for (const block of this.blocks) hidden = block.forward(hidden, y);
      return this.final.forward(hidden, y);
    });
  }
}
