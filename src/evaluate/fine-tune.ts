/**
 * @file Fine-tuning: how well an encoder names pictures once all of it has learned to (SPEC section 12). The paper's recipe is not published;
 * MAE's is the base: AdamW, slower for layers nearer the picture, stochastic depth, label smoothing, a cosine behind a warm-up.
 * DEVIATION: nothing is augmented or mixed, since latents are computed once, and words such as "left of" would not outlive a flip. The model
 * that is measured is not changed: a copy learns.
 */
import { setImmediate } from "node:timers/promises";
import { BatchOrder } from "../data/order.js";
import { DreamError } from "../errors.js";
import { sizes } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import {
  crossEntropy,
  Generator,
  gradients,
  noGrad,
  scope,
  seedDefaultGenerators,
  type Tensor,
  tensor,
  zerosLike,
} from "../tensor/index.js";
import { FineTuned, isDecayed, layerFactor } from "./fine-tuned.js";
import { meanOf, shareInterval } from "./intervals.js";
import { checkLabels, type LabelledFeatures, rowsAt } from "./labelled-features.js";
import type { Measure } from "./measurement.js";
import { rateFactor } from "./probe-heads.js";
import { RatedAdamW } from "./rated-adamw.js";
import type { SplitFeatures } from "./shared-features.js";

export interface FineTuneSettings {
  /** Highest learning rate of the classifier. */
  readonly rate: number;
  /** Of the learning rate, from one layer to the one before it. */
  readonly layerDecay: number;
  /** Share of the samples that skip the last block in training. */
  readonly pathDropped: number;
  readonly labelSmoothing: number;
  readonly weightDecay: number;
  readonly epochs: number;
  readonly warmupEpochs: number;
  readonly batchSize: number;
  readonly seed: number;
}

/**
 * MAE's for its larger models, in fewer epochs and smaller batches. The rate is that of MAE's batch of 1,024 and not made smaller for ours,
 * with which a small data set would learn little in so few steps (LOG.md).
 */
export const usualFineTune: FineTuneSettings = {
  rate: 4e-3,
  layerDecay: 0.75,
  pathDropped: 0.1,
  labelSmoothing: 0.1,
  weightDecay: 0.05,
  epochs: 20,
  warmupEpochs: 2,
  batchSize: 64,
  seed: 0,
};

export interface FineTuneResult {
  /** For each test picture whether it is named right. */
  readonly outcomes: readonly boolean[];
  /** The mean loss of the last epoch. */
  readonly loss: number;
}

/** Pictures that are named at a time. */
const window = 128;

/**
 * @param train latents [n, C, H, W] as features, with their classes @param classes K
 * @param onProgress told after each step
 * @throws DreamError `value` where labels do not fit, `non-finite` where the loss is no number
 */
export async function fineTune(
  model: DreamModel,
  { train, test }: { readonly train: LabelledFeatures; readonly test: LabelledFeatures },
  classes: number,
  settings: FineTuneSettings = usualFineTune,
  onProgress: (step: number, steps: number) => void = () => {},
): Promise<FineTuneResult> {
  checkLabels(train, classes, "fine-tuning");
  checkLabels(test, classes, "fine-tuning");
  const { pathDropped, epochs, warmupEpochs, seed } = settings;
  const tuned = new FineTuned(model, classes, pathDropped, Generator.fromKey("fine-tune", seed));
  const order = new BatchOrder(train.labels.length, Math.min(settings.batchSize, train.labels.length), seed);
  const steps = epochs * order.stepsPerEpoch;
  const learner = new Learner(tuned, model, settings);
  const losses: number[] = [];
  try {
    seedDefaultGenerators("fine-tune", seed);
    tuned.setMode("train");
    for (let step = 0; step < steps; step++) {
      const batch = order.batch(step);
      const factor = rateFactor((step + 1) / order.stepsPerEpoch, epochs, warmupEpochs);
      losses.push(
        learner.step(
          rowsAt(train.features, batch),
          batch.map((at) => train.labels[at]!),
          factor,
        ),
      );
      onProgress(step + 1, steps);
      // Whoever waits for a signal hears it between steps.
      await setImmediate();
    }
    const last = losses.slice(-order.stepsPerEpoch);
    return {
      outcomes: named(tuned, model, test),
      loss: meanOf(last),
    };
  } finally {
    learner.dispose();
    tuned.dispose();
  }
}

class Learner {
  readonly #tuned: FineTuned;
  readonly #device: string;
  readonly #parameters: readonly Tensor[];
  readonly #optimiser: RatedAdamW;
  readonly #smoothing: number;

  constructor(tuned: FineTuned, { config, device }: DreamModel, settings: FineTuneSettings) {
    const { rate, layerDecay, weightDecay, labelSmoothing } = settings;
    const learning = tuned.learning();
    this.#tuned = tuned;
    this.#device = device;
    this.#smoothing = labelSmoothing;
    this.#parameters = learning.map(([, one]) => one);
    this.#optimiser = new RatedAdamW(
      learning.map(([name, one]) => ({
        tensor: one,
        rate: rate * layerFactor(name, config.encoder.depth, layerDecay),
        weightDecay: isDecayed([name, one]) ? weightDecay : 0,
      })),
    );
  }

  /** @param latents [B, C, H, W], disposed here @returns the loss before the step */
  step(latents: Tensor, labels: readonly number[], factor: number): number {
    return scope(() => {
      const logits = this.#tuned.forward(latents.to({ device: this.#device }));
      const wanted = tensor(labels, [labels.length], { dtype: "int64", device: this.#device });
      const loss = crossEntropy(logits, wanted, null, 1, -100, this.#smoothing);
      const value = loss.item();
      if (!Number.isFinite(value))
        throw new DreamError("non-finite", { operation: "fine-tune", message: `the loss is ${value}` });
      const found = gradients([loss], this.#parameters);
      this.#optimiser.step(
        found.map((one, i) => one ?? zerosLike(this.#parameters[i]!.detach())),
        factor,
      );
      latents.dispose();
      return value;
    });
  }

  dispose(): void {
    this.#optimiser.dispose();
  }
}

function named(tuned: FineTuned, { device }: DreamModel, { features, labels }: LabelledFeatures): boolean[] {
  tuned.setMode("eval");
  const right: boolean[] = [];
  for (let first = 0; first < labels.length; first += window)
    scope(() =>
      noGrad(() => {
        const part = features.narrow(0, first, Math.min(window, labels.length - first));
        const found = tuned.forward(part.to({ device })).argmax(1).toNumbers();
        right.push(...found.map((label, i) => label === labels[first + i]));
      }),
    );
  return right;
}

/** @throws DreamError `value` where a picture has no class */
function labelled({ latents, labels }: SplitFeatures): LabelledFeatures {
  return {
    features: latents,
    labels: labels.map((label, i) => {
      if (label !== null) return label;
      throw new DreamError("value", {
        operation: "fine-tune",
        expected: "a class for each picture",
        got: `none for picture ${i}`,
      });
    }),
  };
}

/** The decay that MAE has for its smallest model, and the one for all others. */
function layerDecayFor({ width, depth }: { readonly width: number; readonly depth: number }): number {
  return width === sizes.base.width && depth === sizes.base.depth ? 0.65 : usualFineTune.layerDecay;
}

export const fineTuneMeasure: Measure = {
  name: "fine-tune",
  title: "Pictures named right after fine-tuning",
  unit: "share",
  better: "higher",
  of: "understanding",
  lacks: ({ data }) => {
    if (data.train === null) return "pictures to train on";
    return data.classes === null ? "pictures with classes" : null;
  },
  run: async ({ model, data, features, seed }) => {
    const train = labelled(await features.of(data.train!));
    const test = labelled(await features.of(data.test));
    const settings = { ...usualFineTune, layerDecay: layerDecayFor(model.config.encoder), seed };
    const { outcomes, loss } = await fineTune(
      model,
      { train, test },
      data.classes!.length,
      settings,
      (step, steps) => features.tell("Fine-tuning", step, steps),
    );
    const right = outcomes.filter((one) => one).length;
    return {
      value: right / outcomes.length,
      interval: shareInterval(right, outcomes.length),
      samples: outcomes.length,
      outcomes: outcomes.map(Number),
      details: { ...settings, trainPictures: train.labels.length, lossOfLastEpoch: loss },
    };
  },
};
