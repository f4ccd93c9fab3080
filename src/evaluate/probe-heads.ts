/**
 * @file The linear layers of a probe, one for each learning rate, trained at once on the same batches: BatchNorm without scale and shift,
 * weights begun at N(0, 0.01), LARS, a cosine behind a warm-up (SPEC section 12).
 */
import { BatchOrder } from "../data/order.js";
import { batchNorm, Generator, ones, randn, scope, type Tensor, tensor, zeros } from "../tensor/index.js";
import { type LabelledFeatures, rowsAt } from "./labelled-features.js";
import { Lars } from "./lars.js";

export interface ProbeSettings {
  /** Learning rates for a batch of 256; what is used is in proportion to the batch. */
  readonly rates: readonly number[];
  readonly epochs: number;
  readonly warmupEpochs: number;
  readonly batchSize: number;
  readonly weightDecay: number;
  readonly seed: number;
}

/** Pictures that are named at a time. */
const window = 4096;

export class ProbeHeads {
  readonly #settings: ProbeSettings;
  readonly #classes: number;
  /** [R, D, K] */
  readonly #weight: Tensor;
  /** [R, 1, K] */
  readonly #bias: Tensor;
  readonly #mean: Tensor;
  readonly #variance: Tensor;

  constructor(width: number, classes: number, settings: ProbeSettings) {
    this.#settings = settings;
    this.#classes = classes;
    const R = settings.rates.length;
    const generator = Generator.fromKey("linear probe", settings.seed);
    this.#weight = randn([1, width, classes], { generator }).mul(0.01).repeat([R, 1, 1]);
    generator.dispose();
    this.#bias = zeros([R, 1, classes]);
    this.#mean = zeros([width]);
    this.#variance = ones([width]);
  }

  /** @param data at least a batch */
  train({ features, labels }: LabelledFeatures): void {
    const { rates, epochs, warmupEpochs, batchSize, weightDecay, seed } = this.#settings;
    const order = new BatchOrder(labels.length, batchSize, seed);
    const lars = new Lars(this.#weight, this.#bias, { momentum: 0.9, weightDecay, trust: 0.001 });
    const scaled = rates.map((rate) => (rate * batchSize) / 256);
    const scale = tensor(scaled, [rates.length, 1, 1]);
    const steps = epochs * order.stepsPerEpoch;
    for (let step = 0; step < steps; step++)
      scope(() => {
        const places = order.batch(step);
        const x = this.#normalise(rowsAt(features, places), "batch");
        const truth = this.#oneHot(places.map((at) => labels[at]!));
        // Of the mean cross-entropy, for the logits.
        const gradient = this.#logits(x).softmax(2).sub(truth).div(batchSize);
        const factor = rateFactor(step / order.stepsPerEpoch, epochs, warmupEpochs);
        lars.step([x.t().matmul(gradient), gradient.sum([1], true)], scale.mul(factor));
      });
    lars.dispose();
  }

  /** @param features [n, D] @returns for each learning rate the classes that pictures are named */
  name(features: Tensor): number[][] {
    const named = this.#settings.rates.map((): number[] => []);
    const count = features.size(0);
    for (let first = 0; first < count; first += window)
      scope(() => {
        const part = features.narrow(0, first, Math.min(window, count - first));
        const best = this.#logits(this.#normalise(part, "running")).argmax(2);
        for (const [r, all] of named.entries()) all.push(...best.select(0, r).toNumbers());
      });
    return named;
  }

  /** Each feature by what the batch has, or by what batches had. */
  #normalise(x: Tensor, statistics: "batch" | "running"): Tensor {
    return batchNorm(x, null, null, this.#mean, this.#variance, statistics === "batch", 0.1, 1e-6);
  }

  /** @param x [B, D] @returns [R, B, K] */
  #logits(x: Tensor): Tensor {
    return x.matmul(this.#weight).add(this.#bias);
  }

  /** @returns [B, K] */
  #oneHot(labels: readonly number[]): Tensor {
    const at = tensor(labels, [labels.length, 1], { dtype: "int64" });
    return zeros([labels.length, this.#classes]).scatterValue(1, at, 1);
  }
}

/** A warm-up in equal steps, then a cosine to 0. @param epoch done so far, with its share */
export function rateFactor(epoch: number, epochs: number, warmup: number): number {
  if (epoch < warmup) return epoch / warmup;
  return 0.5 * (1 + Math.cos((Math.PI * (epoch - warmup)) / (epochs - warmup)));
}
