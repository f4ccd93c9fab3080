/** @file In which order samples are seen: a fresh shuffle for each epoch, the same for the same seed, from any step on. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** The sample numbers of an epoch, shuffled (Fisher and Yates). */
export function epochOrder(count: number, seed: number, epoch: number): Uint32Array<ArrayBuffer> {
  const generator = xoroshiro128plus((seed * 0x9e3779b1 + epoch * 0xc2b2ae35) | 0);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = uniformInt(generator, 0, i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Which samples each step sees. Epochs follow one another; what does not fill a batch is left out of its epoch. */
export class BatchOrder {
  readonly stepsPerEpoch: number;
  #epoch = -1;
  #order = new Uint32Array(0);

  constructor(
    readonly count: number,
    readonly batchSize: number,
    readonly seed: number,
  ) {
    this.stepsPerEpoch = Math.max(1, Math.floor(count / batchSize));
  }

  /** The samples of a step, counted from 0 over all epochs. */
  batch(step: number): number[] {
    const epoch = Math.floor(step / this.stepsPerEpoch);
    if (epoch !== this.#epoch) {
      this.#order = epochOrder(this.count, this.seed, epoch);
      this.#epoch = epoch;
    }
    const first = (step % this.stepsPerEpoch) * this.batchSize;
    return Array.from({ length: this.batchSize }, (_, i) => this.#order[(first + i) % this.count]!);
  }
}
