/** @file AdamW as PyTorch computes it, with the release's weight-decay groups (SPEC section 6). */
import type { NamedTensor } from "../nn/index.js";
import { call, noGrad, type Tensor, zerosLike } from "../tensor/index.js";

/** AdamW's settings. */
export interface AdamWConfig {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

/**
 * Whether weight decay reaches a parameter: not biases, norms and other vectors, and not the diffusion head. A scalar (the logit
 * scale) and every embedding, token and position are reached.
 * @param name a property path
 */
export function decays([name, tensor]: NamedTensor): boolean {
  return tensor.shape.length !== 1 && !name.endsWith(".bias") && !name.startsWith("diffusionHead.");
}

/** AdamW over named parameters. Gradients are given, not read from the parameters. */
export class AdamW {
  readonly #config: AdamWConfig;
  readonly #names: readonly string[];
  readonly #parameters: readonly Tensor[];
  readonly #decayed: readonly boolean[];
  readonly #means: readonly Tensor[];
  readonly #squares: readonly Tensor[];
  /** Steps taken so far; part of the state. */
  stepCount = 0;

  constructor(parameters: readonly NamedTensor[], config: AdamWConfig) {
    this.#config = config;
    this.#names = parameters.map(([name]) => name);
    this.#parameters = parameters.map(([, tensor]) => tensor);
    this.#decayed = parameters.map(decays);
    const zeros = (): Tensor[] => this.#parameters.map((tensor) => zerosLike(tensor.detach()).persist());
    this.#means = zeros();
    this.#squares = zeros();
  }

  /**
   * One pass over memory (`native/optimiser.cc`).
   * @param gradients one for each parameter, in order; zeros where a parameter was not reached @param factor multiplies them before
   */
  step(gradients: readonly Tensor[], learningRate: number, factor: number): void {
    const { betas, epsilon, weightDecay } = this.#config;
    this.stepCount++;
    noGrad(() =>
      call(
        "dream::adamw_",
        this.#parameters,
        gradients,
        this.#means,
        this.#squares,
        this.#decayed,
        this.stepCount,
        learningRate,
        ...betas,
        weightDecay,
        epsilon,
        factor,
      ),
    );
  }

  /** Both moments of every parameter, by name. */
  state(): NamedTensor[] {
    return this.#names.flatMap((name, i): NamedTensor[] => [
      [`mean.${name}`, this.#means[i]!],
      [`square.${name}`, this.#squares[i]!],
    ]);
  }

  dispose(): void {
    for (const tensor of [...this.#means, ...this.#squares]) tensor.dispose();
  }
}
