/**
 * @file Retrieval between pictures and captions: how often the right one is among the nearest 1, 5 and 10, both ways. Pictures with the
 * same caption are all right for it, and it for them. Of equally near ones the first by its number comes first.
 */
import { DreamError } from "../errors.js";
import { arange, scope, type Tensor, tensor } from "../tensor/index.js";
import { meanInterval } from "./intervals.js";
import { checkFinite } from "./labelled-features.js";
import type { Measure } from "./measurement.js";

/** Scores that are compared at a time, at most. */
const chunkElements = 2 ** 23;

/**
 * For each query the place, from 0, of the first right one among all that are sought, the nearest first.
 * @param queries [n, J], unit length @param sought [n, J], unit length @param captions of query and sought number i; what has
 *   the same caption is right
 * @throws DreamError `shape` where these are not equally many, `non-finite` where an embedding is no number
 */
export function firstRightPlaces(queries: Tensor, sought: Tensor, captions: readonly string[]): number[] {
  const [n, operation] = [captions.length, "retrieval"];
  for (const side of [queries, sought]) {
    if (side.size(0) !== n)
      throw new DreamError("shape", {
        operation,
        expected: `embeddings of ${n} captions and as many pictures`,
        got: `[${side.shape.join(", ")}]`,
      });
    checkFinite(side, operation);
  }
  const rows = Math.max(1, Math.floor(chunkElements / n));
  return scope(() => {
    const same = captionNumbers(captions);
    const numbers = arange(0, n, 1, { dtype: "int64" });
    const transposed = sought.t();
    const places: number[] = [];
    for (let first = 0; first < n; first += rows)
      scope(() => {
        const count = Math.min(rows, n - first);
        const scores = queries.narrow(0, first, count).mm(transposed);
        const wrong = same.narrow(0, first, count).unsqueeze(1).ne(same);
        const right = scores.maskedFill(wrong, Number.NEGATIVE_INFINITY);
        const best = right.amax(1, true);
        const at = right.argmax(1, true);
        const before = scores.gt(best).logicalOr(scores.eq(best).logicalAnd(numbers.lt(at)));
        places.push(...before.sum(1).toNumbers());
      });
    return places;
  });
}

/** int64 [n], the same number for the same caption. */
function captionNumbers(captions: readonly string[]): Tensor {
  const known = new Map<string, number>();
  const numbers = captions.map((caption) => {
    const number = known.get(caption) ?? known.size;
    known.set(caption, number);
    return number;
  });
  return tensor(numbers, [captions.length], { dtype: "int64" });
}

/** Share of the queries whose right one is among the nearest few, 0..1. */
export const recall = (places: readonly number[], nearest: number): number =>
  places.filter((place) => place < nearest).length / places.length;

const recalls = (places: readonly number[]) => ({
  at1: recall(places, 1),
  at5: recall(places, 5),
  at10: recall(places, 10),
});

export const retrievalMeasure: Measure = {
  name: "retrieval",
  title: "Retrieval, the right one first, both ways",
  unit: "share",
  better: "higher",
  of: "understanding",
  lacks: () => null,
  run: async ({ data, features }) => {
    const { images, texts, captions } = await features.of(data.test);
    const toText = firstRightPlaces(images, texts, captions);
    const toImage = firstRightPlaces(texts, images, captions);
    const outcomes = toText.map((place, i) => (Number(place === 0) + Number(toImage[i] === 0)) / 2);
    const { mean: value, ...interval } = meanInterval(outcomes);
    return {
      value,
      interval,
      samples: captions.length,
      outcomes,
      details: {
        imageToText: recalls(toText),
        textToImage: recalls(toImage),
        differentCaptions: new Set(captions).size,
        rule: "any picture with the very caption is right; of equally near ones the first comes first",
      },
    };
  },
};
