/**
 * @file The linear probe: how well a linear layer on frozen features names what pictures show (SPEC section 12). The release's learning
 * rate looks unlike any published, and which tokens to pool is anybody's choice: several rates and all pools are tried, the best on a
 * validation split cut from the training split is kept, and all are told.
 */
import { epochOrder } from "../data/order.js";
import { DreamError } from "../errors.js";
import type { Pool } from "../models/dream/config.js";
import { noGrad, scope } from "../tensor/index.js";
import { type Interval, meanOf, shareInterval } from "./intervals.js";
import { checkLabels, type LabelledFeatures, labelledPools, rowsAt } from "./labelled-features.js";
import type { Measure } from "./measurement.js";
import { ProbeHeads, type ProbeSettings } from "./probe-heads.js";

/**
 * MAE's schedule without decay, as MAE has it. Its rate of 0.1 belongs to a million pictures. Fewer make fewer steps, and a layer can grow
 * by a share of its weights with each, so that a few hundred pictures want a rate of 100 (LOG.md).
 */
export const usualProbe: ProbeSettings = {
  rates: [0.1, 0.3, 1, 3, 10, 30, 100],
  epochs: 90,
  warmupEpochs: 10,
  batchSize: 128,
  weightDecay: 0,
  seed: 0,
};

export interface ProbeResult {
  /** For each test picture 1 where the layer of the best rate names it right, otherwise 0. */
  readonly outcomes: readonly number[];
  /** Their mean. */
  readonly accuracy: number;
  readonly interval: Interval;
  /** The best on the validation split; of equal ones the lowest. */
  readonly rate: number;
  /** Share of the validation split that this rate names right. */
  readonly validation: number;
  readonly sweep: readonly { readonly rate: number; readonly validation: number }[];
}

export interface ProbeSplits {
  readonly train: LabelledFeatures;
  readonly validation: LabelledFeatures;
  readonly test: LabelledFeatures;
}

/** @param classes K @throws DreamError `value` where labels do not fit, or a batch is not full */
export function linearProbe(splits: ProbeSplits, classes: number, settings: ProbeSettings): ProbeResult {
  for (const split of Object.values(splits)) checkLabels(split, classes, "linear probe");
  checkCount(splits.train.labels.length, settings.batchSize);
  return noGrad(() =>
    scope(() => {
      const heads = new ProbeHeads(splits.train.features.size(1), classes, settings);
      heads.train(splits.train);
      const named = heads.name(splits.validation.features);
      const sweep = settings.rates.map((rate, r) => ({
        rate,
        validation: meanOf(rightOnes(named[r]!, splits.validation.labels)),
      }));
      const best = sweep.reduce((a, b) => (b.validation > a.validation ? b : a));
      const outcomes = rightOnes(heads.name(splits.test.features)[sweep.indexOf(best)]!, splits.test.labels);
      const hits = outcomes.reduce((sum, one) => sum + one, 0);
      return {
        outcomes,
        accuracy: hits / outcomes.length,
        interval: shareInterval(hits, outcomes.length),
        ...best,
        sweep,
      };
    }),
  );
}

/**
 * The training split's places, shuffled: a tenth of them, and a batch at least, for validation.
 * @throws DreamError `value` where what is left is no batch
 */
export function cutValidation(
  count: number,
  { batchSize, seed }: ProbeSettings,
): { readonly train: readonly number[]; readonly validation: readonly number[] } {
  const size = Math.max(batchSize, Math.floor(count / 10));
  checkCount(count - size, batchSize);
  const order = [...epochOrder(count, seed, 0)];
  return { train: order.slice(size), validation: order.slice(0, size) };
}

function checkCount(count: number, batchSize: number): void {
  if (count < batchSize)
    throw new DreamError("value", {
      operation: "linear probe",
      expected: `a batch of ${batchSize} pictures or more to train on`,
      got: String(Math.max(0, count)),
      hint: "give more training pictures; a tenth and a batch at least are kept for validation",
    });
}

const rightOnes = (named: readonly number[], labels: readonly number[]): number[] =>
  named.map((label, i) => Number(label === labels[i]));

export interface PoolsResult extends ProbeResult {
  readonly pool: Pool;
  readonly pools: ReadonlyMap<Pool, ProbeResult>;
}

/** A probe on each pool; the best on the validation split stands for the model, of equal ones the first. */
export function probePools(
  train: ReadonlyMap<Pool, LabelledFeatures>,
  test: ReadonlyMap<Pool, LabelledFeatures>,
  classes: number,
  settings: ProbeSettings,
): PoolsResult {
  const pools = new Map<Pool, ProbeResult>();
  for (const [pool, all] of train) {
    const cut = cutValidation(all.labels.length, settings);
    const part = (places: readonly number[]): LabelledFeatures => ({
      features: rowsAt(all.features, places),
      labels: places.map((at) => all.labels[at]!),
    });
    const probe = scope(() => {
      const splits = { train: part(cut.train), validation: part(cut.validation), test: test.get(pool)! };
      return linearProbe(splits, classes, settings);
    });
    pools.set(pool, probe);
  }
  const [pool, best] = [...pools].reduce((a, b) => (b[1].validation > a[1].validation ? b : a));
  return { ...best, pool, pools };
}

const told = ({ accuracy, validation, rate, sweep }: ProbeResult) => ({ accuracy, validation, rate, sweep });

export const linearProbeMeasure: Measure = {
  name: "linear-probe",
  title: "Linear probe",
  unit: "share",
  better: "higher",
  of: "understanding",
  lacks: ({ data: { train, classes } }) => {
    if (classes === null) return "pictures whose classes are named";
    const least = 2 * usualProbe.batchSize;
    return train === null || train.count < least ? `a training split of ${least} pictures or more` : null;
  },
  run: async ({ data, features, seed }) => {
    const classes = data.classes!.length;
    const settings = { ...usualProbe, seed };
    const train = labelledPools(await features.of(data.train!), "training", "linear probe");
    const test = labelledPools(await features.of(data.test), "test", "linear probe");
    const { outcomes, accuracy, interval, rate, pool, pools } = probePools(train, test, classes, settings);
    const shown = new Set([...train.values()][0]!.labels);
    return {
      value: accuracy,
      interval,
      samples: outcomes.length,
      outcomes,
      details: {
        pool,
        rate,
        pools: Object.fromEntries([...pools].map(([name, result]) => [name, told(result)])),
        chosenOn: "a tenth of the training split, kept from training",
        classes,
        classesNeverTrained: [...new Set([...test.values()][0]!.labels)].filter((one) => !shown.has(one))
          .length,
        settings: { ...settings, batchNormEpsilon: 1e-6, momentum: 0.9, trust: 0.001 },
      },
    };
  },
};
