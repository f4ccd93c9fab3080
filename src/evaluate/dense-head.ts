/**
 * @file A linear layer on frozen patch tokens that names each pixel: its outputs are drawn out bilinearly to the picture's size, which is the
 * same as drawing out the tokens. Each feature is first brought to mean 0 and deviation 1 over all training tokens, as a BatchNorm without
 * scale and shift does whose batch is the whole set. A step looks at 128 of each picture's pixels, drawn by chance: more gave no better head
 * (LOG.md). Several learning rates are tried on the same steps; the best on a validation part of the training pictures is kept.
 */
import { BatchOrder, epochOrder } from "../data/order.js";
import { DreamError } from "../errors.js";
import {
  Generator,
  noGrad,
  randint,
  scope,
  type Tensor,
  tensor,
  upsampleBilinear,
  zeros,
} from "../tensor/index.js";
import { bilinearRows } from "./bilinear.js";
import { rowsAt } from "./labelled-features.js";
import { rateFactor } from "./probe-heads.js";
import { RatedAdamW } from "./rated-adamw.js";

export interface DenseHeadSettings {
  readonly rates: readonly number[];
  readonly epochs: number;
  readonly batchSize: number;
  /** Pixels of a picture that a step looks at, at most. */
  readonly pixels: number;
  readonly weightDecay: number;
  /** Share of the training pictures that rates are chosen by. */
  readonly validationShare: number;
  readonly seed: number;
}

export const usualDenseHead: DenseHeadSettings = {
  rates: [3e-3, 1e-2, 3e-2, 0.1, 0.3, 1],
  epochs: 20,
  batchSize: 16,
  pixels: 128,
  weightDecay: 1e-4,
  validationShare: 0.1,
  seed: 0,
};

/** Tokens of pictures, and for each picture side x side numbers of its truth. */
export interface DenseSet {
  /** [n, N, D], N a square */
  readonly tokens: Tensor;
  readonly truths: readonly (Uint8Array | Uint16Array)[];
}

/** What a head is to learn. @typeParam Verdict what is known of one picture's outputs */
export interface DenseObjective<Verdict> {
  /** K, numbers for each pixel. */
  readonly outputs: number;
  /**
   * Of the mean loss over pixels that are known.
   * @param outputs [P, R, K] @param truth P numbers as the truths have them @returns [P, R, K]
   */
  gradient(outputs: Tensor, truth: Int32Array): Tensor;
  /** @param outputs [B, K, S, S] @param truths of the same pictures */
  judge(outputs: Tensor, truths: DenseSet["truths"]): Verdict[];
  /** Higher is better. */
  score(verdicts: readonly Verdict[]): number;
}

export interface DenseResult<Verdict> {
  /** Of each test picture. */
  readonly verdicts: readonly Verdict[];
  readonly rate: number;
  /** The validation part's score for each rate. */
  readonly sweep: readonly { readonly rate: number; readonly score: number }[];
}

/** @throws DreamError `value` where there are too few pictures, or truths do not fit each other */
export function denseHead<Verdict>(
  objective: DenseObjective<Verdict>,
  train: DenseSet,
  test: DenseSet,
  settings: DenseHeadSettings = usualDenseHead,
): DenseResult<Verdict> {
  const side = sideOf([...train.truths, ...test.truths]);
  const { rates, validationShare, seed } = settings;
  const order = [...epochOrder(train.truths.length, seed, 0)];
  const held = Math.round(order.length * validationShare);
  if (held < 1 || held >= order.length || test.truths.length === 0)
    throw new DreamError("value", {
      operation: "dense head",
      expected: `a test picture, and a training picture beside a validation part of ${validationShare}`,
      got: `${train.truths.length} to train on and ${test.truths.length} to test on`,
    });
  return noGrad(() =>
    scope(() => {
      const heads = new Heads(objective, train.tokens, side, settings);
      heads.train(train, order.slice(held));
      const all = (set: DenseSet): number[] => set.truths.map((_, i) => i);
      const sweep = rates.map((rate, r) => ({
        rate,
        score: objective.score(heads.judge(train, order.slice(0, held), r)),
      }));
      const best = sweep.reduce((found, { score }, r) => (score > sweep[found]!.score ? r : found), 0);
      return { verdicts: heads.judge(test, all(test), best), rate: rates[best]!, sweep };
    }),
  );
}

function sideOf(truths: DenseSet["truths"]): number {
  const side = Math.sqrt(truths[0]?.length ?? 0);
  const odd = truths.findIndex(({ length }) => length !== side * side);
  if (Number.isInteger(side) && odd < 0) return side;
  throw new DreamError("value", {
    operation: "dense head",
    expected: "truths of squares, all of one size",
    got: odd < 0 ? `${truths[0]?.length} numbers` : `${truths[odd]!.length} numbers beside ${side * side}`,
  });
}

/** Numbers of outputs that are drawn out at a time. */
const windowNumbers = 2 ** 23;

/** Linear layers, one for each learning rate, that see the same steps. */
class Heads<Verdict> {
  readonly #objective: DenseObjective<Verdict>;
  readonly #settings: DenseHeadSettings;
  readonly #side: number;
  readonly #grid: number;
  readonly #mean: Tensor;
  readonly #scale: Tensor;
  /** [D, R K] */
  readonly #weight: Tensor;
  /** [R K] */
  readonly #bias: Tensor;

  constructor(objective: DenseObjective<Verdict>, tokens: Tensor, side: number, settings: DenseHeadSettings) {
    const [, N, D] = tokens.shape as [number, number, number];
    this.#objective = objective;
    this.#settings = settings;
    this.#side = side;
    this.#grid = Math.sqrt(N);
    this.#mean = tokens.mean([0, 1]);
    this.#scale = tokens.variance([0, 1], { correction: 0 }).add(1e-6).rsqrt();
    const columns = settings.rates.length * objective.outputs;
    this.#weight = zeros([D, columns]);
    this.#bias = zeros([columns]);
  }

  /** @param rows the pictures that are learned from */
  train({ tokens, truths }: DenseSet, rows: readonly number[]): void {
    const { rates, epochs, pixels: most, weightDecay, seed } = this.#settings;
    const [R, K] = [rates.length, this.#objective.outputs];
    const B = Math.min(this.#settings.batchSize, rows.length);
    const order = new BatchOrder(rows.length, B, seed);
    const random = Generator.fromKey("dense head", seed);
    const rate = tensor(rates, [R]).repeatInterleave(K);
    const optimiser = new RatedAdamW([
      { tensor: this.#weight, rate, weightDecay },
      { tensor: this.#bias, rate, weightDecay: 0 },
    ]);
    const pixels = Math.min(most, this.#side ** 2);
    for (let step = 0; step < epochs * order.stepsPerEpoch; step++)
      scope(() => {
        const batch = order.batch(step).map((at) => rows[at]!);
        const places = randint(0, this.#side ** 2, [pixels], {
          generator: random,
          dtype: "int64",
        }).toNumbers();
        const x = this.#normalise(rowsAt(tokens, batch));
        const draw = bilinearRows(places, this.#side, this.#grid);
        const outputs = draw.matmul(this.#outputs(x));
        const truth = numbersAt(
          batch.map((row) => truths[row]!),
          places,
        );
        const slope = this.#objective
          .gradient(outputs.reshape([-1, R, K]), truth)
          .reshape([B, pixels, R * K]);
        const onTokens = draw.t().matmul(slope);
        const ofWeight = x.flatten(0, 1).t().matmul(onTokens.flatten(0, 1));
        optimiser.step([ofWeight, slope.sum([0, 1])], rateFactor(step / order.stepsPerEpoch, epochs, 0));
      });
    optimiser.dispose();
  }

  /** @param r the number of the learning rate */
  judge({ tokens, truths }: DenseSet, rows: readonly number[], r: number): Verdict[] {
    const K = this.#objective.outputs;
    const window = Math.max(1, Math.floor(windowNumbers / (K * this.#side ** 2)));
    const verdicts: Verdict[] = [];
    for (let first = 0; first < rows.length; first += window)
      scope(() => {
        const some = rows.slice(first, first + window);
        const outputs = this.#outputs(this.#normalise(rowsAt(tokens, some))).narrow(2, r * K, K);
        const small = outputs.transpose(1, 2).reshape([some.length, K, this.#grid, this.#grid]);
        const whole = upsampleBilinear(small, [this.#side, this.#side], false);
        verdicts.push(
          ...this.#objective.judge(
            whole,
            some.map((row) => truths[row]!),
          ),
        );
      });
    return verdicts;
  }

  #normalise(x: Tensor): Tensor {
    return x.sub(this.#mean).mul(this.#scale);
  }

  /** @param x [B, N, D] @returns [B, N, R K] */
  #outputs(x: Tensor): Tensor {
    return x.matmul(this.#weight).add(this.#bias);
  }
}

/** The numbers of each truth at some pixels, truth by truth. */
function numbersAt(truths: DenseSet["truths"], places: readonly number[]): Int32Array {
  const numbers = new Int32Array(truths.length * places.length);
  let at = 0;
  for (const truth of truths) for (const place of places) numbers[at++] = truth[place]!;
  return numbers;
}
