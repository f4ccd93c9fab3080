/**
 * @file Muon (Jordan et al., 2024), a recipe's choice for the matrices inside blocks: the momentum of a matrix's gradient, made
 * orthogonal, is its step. So all of its directions are learned equally fast, the weak ones too, of which AdamW sees little in a
 * short training (LOG.md). The paper's is AdamW alone.
 */
import type { NamedTensor } from "../nn/index.js";
import {
  type DType,
  foreachAdd_,
  foreachMul_,
  noGrad,
  scope,
  type Tensor,
  zerosLike,
} from "../tensor/index.js";
import { decays } from "./adamw.js";

export interface MuonConfig {
  /** Share of the momentum that stays at every step, 0..1. */
  readonly momentum: number;
  /** Steps are so many times the learning rate; at 1 their mean square is about AdamW's (Liu et al., 2025). */
  readonly rate: number;
  readonly weightDecay: number;
  /** Of the products that make a step orthogonal. */
  readonly precision: DType;
}

/** Whether Muon takes a parameter: the matrices of attention, MLPs and modulation, not embeddings nor what reads and writes tokens. */
export function isBlockMatrix([name, tensor]: NamedTensor): boolean {
  return tensor.shape.length === 2 && /[bB]locks\.\d+\./.test(name);
}

/** The root mean square of AdamW's steps in shares of the learning rate, as it was measured (Liu et al., 2025). */
const adamwScale = 0.2;

/** Muon over named matrices, with Nesterov's momentum. Gradients are given, not read from the parameters. */
export class Muon {
  readonly #config: MuonConfig;
  readonly #names: readonly string[];
  readonly #matrices: readonly Tensor[];
  readonly #decayed: readonly Tensor[];
  readonly #momenta: readonly Tensor[];

  constructor(matrices: readonly NamedTensor[], config: MuonConfig) {
    this.#config = config;
    this.#names = matrices.map(([name]) => name);
    this.#matrices = matrices.map(([, tensor]) => tensor);
    this.#decayed = matrices.filter(decays).map(([, tensor]) => tensor);
    this.#momenta = this.#matrices.map((tensor) => zerosLike(tensor.detach()).persist());
  }

  /** @param gradients one for each matrix, in order @param factor multiplies them before */
  step(gradients: readonly Tensor[], learningRate: number, factor: number): void {
    const { momentum, rate, weightDecay, precision } = this.#config;
    noGrad(() =>
      scope(() => {
        foreachMul_(this.#momenta, momentum);
        foreachAdd_(this.#momenta, gradients, { alpha: factor });
        foreachMul_(this.#decayed, 1 - learningRate * weightDecay);
        for (const [i, matrix] of this.#matrices.entries())
          scope(() => {
            const ahead = gradients[i]!.mul(factor).add(this.#momenta[i]!, { alpha: momentum });
            const largest = Math.max(...matrix.shape);
            const length = adamwScale * Math.sqrt(largest) * rate * learningRate;
            matrix.add_(orthogonal(ahead, precision), { alpha: -length });
          });
      }),
    );
  }

  /** The momenta, by name. */
  state(): NamedTensor[] {
    return this.#names.map((name, i): NamedTensor => [`momentum.${name}`, this.#momenta[i]!]);
  }

  dispose(): void {
    for (const tensor of this.#momenta) tensor.dispose();
  }
}

/** Newton and Schulz's iteration with the coefficients of Jordan et al.: singular values of 0.7 to 1.2 after five rounds. */
const [linear, cubic, quintic] = [3.4445, -4.775, 2.0315];
export const orthogonalRounds = 5;

/** A matrix of the same singular vectors, its singular values all about 1. */
export function orthogonal(matrix: Tensor, precision: DType): Tensor {
  return scope(() => {
    const tall = matrix.size(0) > matrix.size(1);
    const bounded = matrix.div(matrix.linalgNorm().add(1e-7)).to({ dtype: precision });
    let x = tall ? bounded.t() : bounded;
    for (let round = 0; round < orthogonalRounds; round++)
      x = scope(() => {
        const square = x.mm(x.t());
        const polynomial = square.mul(cubic).add(square.mm(square), { alpha: quintic });
        return polynomial.mm(x).add(x, { alpha: linear });
      });
    return (tall ? x.t() : x).to({ dtype: matrix.dtype });
  });
}
