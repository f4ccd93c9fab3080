/** @file The optimiser of a run: AdamW for every parameter, as in the paper, or Muon for the matrices inside blocks. */
import type { NamedTensor } from "../nn/index.js";
import { call, type DType, scope, type Tensor } from "../tensor/index.js";
import { AdamW, type AdamWConfig } from "./adamw.js";
import { isBlockMatrix, Muon, type MuonConfig } from "./muon.js";

export interface OptimiserConfig extends AdamWConfig {
  /** For the matrices inside blocks; null leaves them to AdamW. */
  readonly muon: Pick<MuonConfig, "momentum" | "rate"> | null;
}

/** The global norm of gradients. */
export function gradientNorm(gradients: readonly Tensor[]): number {
  return scope(() => (call("dream::norm", gradients) as Tensor).item());
}

/** What gradients of a norm are multiplied with so that it is at most `limit`. */
export function clipFactor(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6));
}

/** Steps every parameter. Gradients are given, not read from the parameters. */
export class Optimiser {
  readonly #adamw: AdamW;
  readonly #muon: Muon | null;
  /** For each parameter, whether Muon steps it. */
  readonly #orthogonal: readonly boolean[];

  /** @param precision of the products that make Muon's steps orthogonal */
  constructor(parameters: readonly NamedTensor[], config: OptimiserConfig, precision: DType) {
    const { muon, weightDecay } = config;
    this.#orthogonal = parameters.map((one) => muon !== null && isBlockMatrix(one));
    this.#adamw = new AdamW(
      parameters.filter((_, i) => !this.#orthogonal[i]),
      config,
    );
    this.#muon =
      muon === null
        ? null
        : new Muon(
            parameters.filter((_, i) => this.#orthogonal[i]),
            { ...muon, weightDecay, precision },
          );
  }

  /** Steps taken so far; part of the state. */
  get stepCount(): number {
    return this.#adamw.stepCount;
  }

  set stepCount(count: number) {
    this.#adamw.stepCount = count;
  }

  /**
   * @param gradients one for each parameter, in order; zeros where a parameter was not reached
   * @param factor multiplies them before: {@link clipFactor}
   */
  step(gradients: readonly Tensor[], learningRate: number, factor: number): void {
    this.#adamw.step(
      gradients.filter((_, i) => !this.#orthogonal[i]),
      learningRate,
      factor,
    );
    this.#muon?.step(
      gradients.filter((_, i) => this.#orthogonal[i]),
      learningRate,
      factor,
    );
  }

  /** Moments and momenta, by name. */
  state(): NamedTensor[] {
    return [...this.#adamw.state(), ...(this.#muon?.state() ?? [])];
  }

  dispose(): void {
    this.#adamw.dispose();
    this.#muon?.dispose();
  }
}
