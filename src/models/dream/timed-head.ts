/**
 * @file The diffusion head at a fixed list of times, as a sampler asks it: what depends on the time alone is computed once, and on the
 * CPU the weights are laid out once for products of few rows (`native/head.cc`), which stay in float32 under automatic casts.
 */
import { call, cat, scope, type Tensor, tensor } from "../../tensor/index.js";
import type { DiffusionHead } from "./diffusion-head.js";
import type { HeadGuidance } from "./token-diffusion.js";

export class TimedHead {
  readonly #head: DiffusionHead;
  readonly #times: readonly Tensor[];
  /** Null where the head runs layer by layer. */
  readonly #layers: readonly Tensor[] | null;

  /** @param times as the head is told them */
  constructor(head: DiffusionHead, times: readonly number[]) {
    this.#head = head;
    const { device } = head.condition.weight;
    this.#times = scope(() =>
      head.timeEmbedding
        .forward(tensor(Float32Array.from(times), [times.length], { device }))
        .to({ dtype: "float32" })
        .split(1, 0),
    );
    this.#layers = device === "cpu" ? scope(() => packedLayers(head)) : null;
    for (const kept of [...this.#times, ...(this.#layers ?? [])]) kept.persist();
  }

  /** The head's embedding of decoder outputs; it holds for all times. @param z [R, D] @returns [R, W] */
  condition(z: Tensor): Tensor {
    return scope(() => this.#head.condition.forward(z).to({ dtype: "float32" }));
  }

  /**
   * What the head says of a state.
   * @param x [P, C] @param at which of the times
   * @param condition [P, W], or [2P, W] with guidance: the conditional rows first
   * @returns [P, output width], or [2P, output width]
   */
  tell(x: Tensor, at: number, condition: Tensor, guidance: HeadGuidance | null): Tensor {
    const time = this.#times[at]!;
    if (this.#layers === null)
      return this.#head.denoise(guidance === null ? x : cat([x, x], 0), time, condition);
    const features = this.#head.final.linear.bias.size(0);
    return call("dream::denoise", x, time, condition, this.#layers, features) as Tensor;
  }

  dispose(): void {
    for (const kept of [...this.#times, ...(this.#layers ?? [])]) kept.dispose();
  }
}

/** In the order that `dream::denoise` takes them. */
function packedLayers({ input, blocks, final }: DiffusionHead): Tensor[] {
  const packed = (weight: Tensor, bias: Tensor): Tensor => call("dream::pack_linear", weight, bias) as Tensor;
  const modulations = [...blocks, final].map(({ modulation }) => modulation);
  return [
    packed(input.weight, input.bias),
    packed(cat(modulations.map(({ weight }) => weight)), cat(modulations.map(({ bias }) => bias))),
    ...blocks.flatMap(({ norm, fc1, fc2 }) => [
      norm.weight.detach().clone(),
      norm.bias.detach().clone(),
      packed(fc1.weight, fc1.bias),
      packed(fc2.weight, fc2.bias),
    ]),
    packed(final.linear.weight, final.linear.bias),
  ];
}

/** Classifier-free guidance: u + w (c - u). @param output [2P, C], the conditional rows first @returns [P, C] */
export function guide(output: Tensor, { scale }: HeadGuidance): Tensor {
  const [conditional, unconditional] = output.chunk(2, 0) as [Tensor, Tensor];
  const difference = conditional.sub(unconditional);
  return typeof scale === "number"
    ? unconditional.add(difference, { alpha: scale })
    : unconditional.add(difference.mul(scale));
}
