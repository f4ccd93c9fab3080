/** @file The exponential moving average of the parameters, which drawings and evaluations use (SPEC section 6). */
import type { NamedTensor } from "../nn/index.js";
import { call, noGrad, scope, type Tensor } from "../tensor/index.js";

/** Starts as a copy of the parameters. Buffers are not averaged: they come from the live model. */
export class MovingAverage {
  readonly #names: readonly string[];
  readonly #live: readonly Tensor[];
  readonly #averages: readonly Tensor[];

  /** @param rate share of the old average that stays at every step, 0..1 */
  constructor(
    parameters: readonly NamedTensor[],
    readonly rate: number,
  ) {
    this.#names = parameters.map(([name]) => name);
    this.#live = parameters.map(([, tensor]) => tensor);
    this.#averages = noGrad(() => this.#live.map((tensor) => scope(() => tensor.detach().clone()).persist()));
  }

  /** Moves every average towards its parameter. */
  update(): void {
    noGrad(() => call("dream::average_", this.#averages, this.#live, 1 - this.rate));
  }

  /** The averages, by the parameters' names. */
  state(): NamedTensor[] {
    return this.#names.map((name, i): NamedTensor => [name, this.#averages[i]!]);
  }

  dispose(): void {
    for (const tensor of this.#averages) tensor.dispose();
  }
}
