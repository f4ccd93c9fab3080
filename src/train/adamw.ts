/** @file AdamW as PyTorch computes it, with the release's weight-decay groups (SPEC section 6). */
import type { NamedTensor } from "../nn/index.js";
import {
  foreachAdd_,
  foreachAddcdiv_,
  foreachAddcmul_,
  foreachAddScalar_,
  foreachDivScalar_,
  foreachMul_,
  foreachSqrt,
  noGrad,
  scope,
  type Tensor,
  zerosLike,
} from "../tensor/index.js";

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
  readonly #decayed: readonly Tensor[];
  readonly #means: readonly Tensor[];
  readonly #squares: readonly Tensor[];
  /** Steps taken so far; part of the state. */
  stepCount = 0;

  constructor(parameters: readonly NamedTensor[], config: AdamWConfig) {
    this.#config = config;
    this.#names = parameters.map(([name]) => name);
    this.#parameters = parameters.map(([, tensor]) => tensor);
    this.#decayed = parameters.filter(decays).map(([, tensor]) => tensor);
    const zeros = (): Tensor[] => this.#parameters.map((tensor) => zerosLike(tensor.detach()).persist());
    this.#means = zeros();
    this.#squares = zeros();
  }

  /** @param gradients one for each parameter, in order; zeros where a parameter was not reached */
  step(gradients: readonly Tensor[], learningRate: number): void {
    const { betas, epsilon, weightDecay } = this.#config;
    const [beta1, beta2] = betas;
    this.stepCount++;
    noGrad(() =>
      scope(() => {
        foreachMul_(this.#decayed, 1 - learningRate * weightDecay);
        foreachMul_(this.#means, beta1);
        foreachAdd_(this.#means, gradients, { alpha: 1 - beta1 });
        foreachMul_(this.#squares, beta2);
        foreachAddcmul_(this.#squares, gradients, gradients, 1 - beta2);
        const correction1 = 1 - beta1 ** this.stepCount;
        const correction2 = 1 - beta2 ** this.stepCount;
        const denominators = foreachSqrt(this.#squares);
        foreachDivScalar_(denominators, Math.sqrt(correction2));
        foreachAddScalar_(denominators, epsilon);
        foreachAddcdiv_(this.#parameters, this.#means, denominators, -learningRate / correction1);
      }),
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
