/** @file The processes that train together, seen from one of them; alone there is one. */
import type { NamedTensor } from "../nn/index.js";
import {
  type GradientBuckets,
  gradientOf,
  noGrad,
  type ProcessGroup,
  scope,
  setGradient,
  type Tensor,
  tensor,
  zerosLike,
} from "../tensor/index.js";

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
  /** Whether it is so for any process. */
  any(flag: boolean): boolean;
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

  any(flag: boolean): boolean {
    return flag;
  }

  share(): void {}

  dispose(): void {}
}

/** Gradients of so much memory go in one message. */
const bucketBytes = 25 * 2 ** 20;

/** One process of a group. */
export class TeamMember implements Team {
  readonly #names: readonly string[];
  readonly #buckets: GradientBuckets;

  /** @param parameters of a model that every process has, on the group's kind of device */
  constructor(
    readonly group: ProcessGroup,
    parameters: readonly NamedTensor[],
  ) {
    this.#names = parameters.map(([name]) => name);
    this.#buckets = group.gradientBuckets(
      parameters.map(([, tensor]) => tensor),
      bucketBytes,
    );
  }

  get rank(): number {
    return this.group.rank;
  }

  get size(): number {
    return this.group.size;
  }

  gather(x: Tensor): Tensor {
    return this.group.gather(x);
  }

  beforeLastPass(reached: (name: string) => boolean): void {
    this.#buckets.arm(this.#names.flatMap((name, i) => (reached(name) ? [] : [i])));
  }

  gradients(): Tensor[] {
    return this.#buckets.finish();
  }

  mean(values: readonly number[]): number[] {
    return scope(() => {
      const sums = tensor(values, [values.length], { dtype: "float64", device: this.group.device });
      this.group.allReduce(sums, "sum");
      return sums.toNumbers().map((sum) => sum / this.size);
    });
  }

  any(flag: boolean): boolean {
    return this.mean([Number(flag)])[0]! > 0;
  }

  share(tensors: readonly Tensor[]): void {
    noGrad(() => this.group.broadcast(tensors, 0));
  }

  dispose(): void {
    this.#buckets.dispose();
  }
}
