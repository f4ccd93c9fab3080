/** @file The diffusion head at a fixed list of times, as a sampler asks it: what depends on the time alone is computed once. */
import { cat, scope, type Tensor, tensor } from "../../tensor/index.js";
import type { DiffusionHead } from "./diffusion-head.js";
import type { HeadGuidance } from "./token-diffusion.js";

export class TimedHead {
  readonly #head: DiffusionHead;
  readonly #times: readonly Tensor[];

  /** @param times as the head is told them */
  constructor(head: DiffusionHead, times: readonly number[]) {
    this.#head = head;
    const { device } = head.condition.weight;
    this.#times = scope(() =>
      head.timeEmbedding.forward(tensor(Float32Array.from(times), [times.length], { device })).split(1, 0),
    );
    for (const time of this.#times) time.persist();
  }

  /** The head's embedding of decoder outputs; it holds for all times. @param z [R, D] @returns [R, W] */
  condition(z: Tensor): Tensor {
    return this.#head.condition.forward(z);
  }

  /**
   * What the head says of a state.
   * @param x [P, C] @param at which of the times
   * @param condition [P, W], or [2P, W] with guidance: the conditional rows first
   * @returns [P, output width], or [2P, output width]
   */
  tell(x: Tensor, at: number, condition: Tensor, guidance: HeadGuidance | null): Tensor {
    return this.#head.denoise(guidance === null ? x : cat([x, x], 0), this.#times[at]!, condition);
  }

  dispose(): void {
    for (const time of this.#times) time.dispose();
  }
}

/** Classifier-free guidance: u + w (c - u). @param output [2P, C], the conditional rows first @returns [P, C] */
export function guide(output: Tensor, { scale }: HeadGuidance): Tensor {
  const [conditional, unconditional] = output.chunk(2, 0) as [Tensor, Tensor];
  return unconditional.add(conditional.sub(unconditional).mul(scale));
}
