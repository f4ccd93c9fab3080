/**
 * @file LARS (You et al., 2017), which linear probes are trained with (SPEC section 12): a matrix's step is as long as its weights in
 * proportion to its gradient. Several probes are trained at once, along the first axis; each has its own lengths. As MAE has it, the
 * decay is part of the gradient whose length counts, and the learning rate stays outside the momentum; without decay and at one rate
 * both are the paper's.
 */
import { noGrad, onesLike, scope, type Tensor, where, zerosLike } from "../tensor/index.js";

export interface LarsConfig {
  readonly momentum: number;
  readonly weightDecay: number;
  /** Length of a step in shares of the weights' length, before the learning rate. */
  readonly trust: number;
}

export class Lars {
  readonly #config: LarsConfig;
  readonly #matrices: Tensor;
  readonly #biases: Tensor;
  readonly #momenta: readonly [Tensor, Tensor];

  /** @param matrices [R, D, K] @param biases [R, 1, K], which step as plain momentum does, without decay */
  constructor(matrices: Tensor, biases: Tensor, config: LarsConfig) {
    this.#config = config;
    this.#matrices = matrices;
    this.#biases = biases;
    this.#momenta = [zerosLike(matrices).persist(), zerosLike(biases).persist()];
  }

  /** @param gradients of the matrices and of the biases @param rates [R, 1, 1] */
  step([ofMatrices, ofBiases]: readonly [Tensor, Tensor], rates: Tensor): void {
    const { momentum, weightDecay, trust } = this.#config;
    const [matrixMomenta, biasMomenta] = this.#momenta;
    noGrad(() =>
      scope(() => {
        const decayed = ofMatrices.add(this.#matrices, { alpha: weightDecay });
        const [length, slope] = [lengths(this.#matrices), lengths(decayed)];
        // Where either is 0 the step is the gradient itself.
        const defined = length.gt(0).logicalAnd(slope.gt(0));
        const factor = where(defined, length.mul(trust).div(slope), onesLike(length));
        matrixMomenta.mul_(momentum).add_(decayed.mul(factor));
        biasMomenta.mul_(momentum).add_(ofBiases);
        this.#matrices.sub_(matrixMomenta.mul(rates));
        this.#biases.sub_(biasMomenta.mul(rates));
      }),
    );
  }

  dispose(): void {
    for (const momentum of this.#momenta) momentum.dispose();
  }
}

/** @param matrices [R, D, K] @returns [R, 1, 1] */
const lengths = (matrices: Tensor): Tensor => matrices.square().sum([1, 2], true).sqrt();
