/** @file Vectors that live in the engine thread, and which of them lie nearest to another: every one is compared. */
import { noGrad, scope, type Tensor, tensor } from "../tensor/index.js";
import type { Nearest } from "./protocol.js";

export class ResidentVectors {
  /** [n, width] */
  readonly #rows: Tensor;

  /** @param rows unit vectors, one after another @param width numbers of one */
  constructor(rows: Float32Array, width: number) {
    this.#rows = tensor(rows, [rows.length / width, width]);
    this.#rows.persist();
  }

  /** @param query a unit vector @param count at most @returns the nearest first, the earlier of equals before the later */
  nearest(query: Float32Array, count: number): Nearest[] {
    const n = this.#rows.size(0);
    return noGrad(() =>
      scope(() => {
        const scores = this.#rows.matmul(tensor(query, [query.length, 1])).squeeze(1);
        const [values, places] = scores.topk(Math.min(count, n));
        const told = values.toNumbers();
        const ranked = places.toNumbers().map((place, i) => ({ place, score: told[i]! }));
        return ranked.sort((a, b) => b.score - a.score || a.place - b.place);
      }),
    );
  }

  dispose(): void {
    this.#rows.dispose();
  }
}
