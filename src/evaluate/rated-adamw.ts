/**
 * @file AdamW whose parameters, or columns of a parameter, each have a learning rate of their own: heads that are tried at several rates at
 * once, and layers of which the deeper ones learn faster.
 */
import { noGrad, scope, type Tensor, zerosLike } from "../tensor/index.js";

export interface RatedParameter {
  readonly tensor: Tensor;
  /** The learning rate, or one for each of its columns: a tensor that its shape takes by broadcasting. */
  readonly rate: number | Tensor;
  readonly weightDecay: number;
}

/** Of its steps: Kingma and Ba's epsilon. */
const epsilon = 1e-8;

export class RatedAdamW {
  readonly #parameters: readonly RatedParameter[];
  readonly #betas: readonly [number, number];
  readonly #moments: readonly (readonly [mean: Tensor, square: Tensor])[];
  #steps = 0;

  constructor(parameters: readonly RatedParameter[], betas: readonly [number, number] = [0.9, 0.999]) {
    this.#parameters = parameters;
    this.#betas = betas;
    this.#moments = parameters.map(({ tensor }) => {
      const zeros = (): Tensor => zerosLike(tensor.detach()).persist();
      return [zeros(), zeros()];
    });
  }

  /** @param gradients one for each parameter, in order @param factor of all learning rates */
  step(gradients: readonly Tensor[], factor: number): void {
    this.#steps++;
    const [slow, slower] = this.#betas;
    const [ofMean, ofSquare] = [1 - slow ** this.#steps, 1 - slower ** this.#steps];
    noGrad(() => {
      for (const [i, { tensor, rate, weightDecay }] of this.#parameters.entries())
        scope(() => {
          const [mean, square] = this.#moments[i]!;
          const gradient = gradients[i]!;
          mean.lerp_(gradient, 1 - slow);
          square.mul_(slower).addcmul_(gradient, gradient, { value: 1 - slower });
          const direction = mean.div(ofMean).div(square.div(ofSquare).sqrt().add_(epsilon));
          const decayed = weightDecay === 0 ? direction : direction.add(tensor, { alpha: weightDecay });
          const size = typeof rate === "number" ? rate * factor : rate.mul(factor);
          tensor.sub_(decayed.mul(size));
        });
    });
  }

  dispose(): void {
    for (const tensor of this.#moments.flat()) tensor.dispose();
  }
}
