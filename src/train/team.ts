/** @file The processes that train together, seen from one of them; alone there is one. */
import type { NamedTensor } from "../nn/index.js";
import { gradientOf, setGradient, type Tensor, zerosLike } from "../tensor/index.js";

export interface Team {
  readonly rank: number;
  readonly size: number;
  /** Everybody's rows, in order of rank. Gradients flow to one's own. */
  gather(x: Tensor): Tensor;
  /** Before the last backward pass of a step. @param reached whether that pass reaches a parameter here, by name */
  beforeLastPass(reached: (name: string) => boolean): void;
  /** After it: each parameter's gradient, the mean over processes; zeros where nothing reached it, so that decay and momentum go on. */
  gradients(): Tensor[];
  /** Means over processes. */
  mean(values: readonly number[]): number[];
  /** Gives everybody what the first process has. */
  share(tensors: readonly Tensor[]): void;
  dispose(): void;
}

/** One process by itself. */
export class Alone implements Team {
  readonly rank = 0;
  readonly size = 1;
  readonly #parameters: readonly Tensor[];

  constructor(parameters: readonly NamedTensor[]) {
    this.#parameters = parameters.map(([, tensor]) => tensor);
  }

  gather(x: Tensor): Tensor {
    return x;
  }

  beforeLastPass(): void {}

  gradients(): Tensor[] {
    return this.#parameters.map((parameter) => {
      const gradient = gradientOf(parameter) ?? zerosLike(parameter.detach());
      setGradient(parameter, null);
      return gradient;
    });
  }

  mean(values: readonly number[]): number[] {
    return [...values];
  }

  share(): void {}

  dispose(): void {}
}
