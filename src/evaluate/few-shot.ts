/**
 * @file Few-shot classification on frozen features: episodes of a few classes with a few examples each (SPEC section 12). Which classifier the
 * paper took is not published; prototypes are the nearest public protocol, and a ridge head is what most others report.
 */
import { epochOrder } from "../data/order.js";
import { DreamError } from "../errors.js";
import { linalgEigh, noGrad, scope, type Tensor, tensor } from "../tensor/index.js";
import { meanInterval } from "./intervals.js";
import { checkLabels, type LabelledFeatures, labelledPools, rowsAt } from "./labelled-features.js";
import type { Measure } from "./measurement.js";

export interface EpisodeSettings {
  /** Classes of an episode, 5 in the paper. */
  readonly ways: number;
  /** Examples of each, 5 in the paper. */
  readonly shots: number;
  /** Pictures of each that are named. */
  readonly queries: number;
  readonly episodes: number;
  readonly seed: number;
}

export const usualEpisodes: EpisodeSettings = { ways: 5, shots: 5, queries: 15, episodes: 600, seed: 0 };

/** Accuracy in each episode. */
export interface FewShotResult {
  /** The nearest mean of unit-length features. */
  readonly prototypes: readonly number[];
  /** Ridge regression on one-hot labels with an intercept, penalty 1, of unit-length features. */
  readonly ridge: readonly number[];
}

/**
 * Episodes depend on the labels and the seed alone, so all models meet the same.
 * @param classes K @throws DreamError `value` where too few classes have enough pictures
 */
export function fewShot(data: LabelledFeatures, classes: number, settings: EpisodeSettings): FewShotResult {
  checkLabels(data, classes, "few-shot episodes");
  const { ways, queries } = settings;
  const prototypes: number[] = [];
  const ridge: number[] = [];
  noGrad(() => {
    for (const { support, query } of drawEpisodes(data.labels, classes, settings))
      scope(() => {
        const known = unitRows(data.features, support);
        const asked = unitRows(data.features, query);
        prototypes.push(share(prototypeScores(known, asked, ways), queries));
        ridge.push(share(ridgeScores(known, asked, ways), queries));
      });
  });
  return { prototypes, ridge };
}

/** Places among the features, class by class. */
export interface Episode {
  readonly support: readonly number[];
  readonly query: readonly number[];
}

/** @throws DreamError `value` where too few classes have enough pictures */
export function drawEpisodes(
  labels: readonly number[],
  classes: number,
  { ways, shots, queries, episodes, seed }: EpisodeSettings,
): Episode[] {
  const byClass = Array.from({ length: classes }, (): number[] => []);
  for (const [i, label] of labels.entries()) byClass[label]!.push(i);
  const full = byClass.filter((members) => members.length >= shots + queries);
  if (full.length < ways)
    throw new DreamError("value", {
      operation: "few-shot episodes",
      expected: `${ways} classes or more of ${shots + queries} pictures each`,
      got: `${full.length} of ${classes}`,
      hint: "give more test pictures",
    });
  return Array.from({ length: episodes }, (_, episode) => {
    const chosen = [...epochOrder(full.length, seed, episode).subarray(0, ways)];
    const members = chosen.map((at, way) => {
      const all = full[at]!;
      // Each way has a stream of its own, or classes of one size would all be shuffled alike.
      const order = epochOrder(all.length, seed + 1 + way, episode).subarray(0, shots + queries);
      return [...order].map((place) => all[place]!);
    });
    return {
      support: members.flatMap((places) => places.slice(0, shots)),
      query: members.flatMap((places) => places.slice(shots)),
    };
  });
}

/** @returns [n, D], each of length 1 */
function unitRows(features: Tensor, places: readonly number[]): Tensor {
  const rows = rowsAt(features, places);
  return rows.div(rows.square().sum([1], true).sqrt().clamp(1e-12));
}

/**
 * The nearer a mean, the higher its score: 2 x m - |m|², which is |x|² less the squared distance.
 * @param known [ways shots, D], way by way @param asked [Q, D] @returns [Q, ways]
 */
export function prototypeScores(known: Tensor, asked: Tensor, ways: number): Tensor {
  const means = known.reshape([ways, -1, known.size(1)]).mean(1);
  return asked.mm(means.t()).mul(2).sub(means.square().sum(1));
}

/**
 * The decision function of scikit-learn's RidgeClassifier with `alpha=1`, in its dual: one system of as many unknowns as examples.
 * @param known [ways shots, D], way by way @param asked [Q, D] @returns float64 [Q, ways]
 */
export function ridgeScores(known: Tensor, asked: Tensor, ways: number): Tensor {
  const [n, penalty] = [known.size(0), 1];
  const centre = known.mean(0);
  const x = known.sub(centre).to({ dtype: "float64" });
  const targets = Array.from({ length: n * ways }, (_, at) => {
    const [row, way] = [Math.floor(at / ways), at % ways];
    return Math.floor((row * ways) / n) === way ? 1 : -1;
  });
  const y = tensor(targets, [n, ways], { dtype: "float64" });
  const [values, vectors] = linalgEigh(x.mm(x.t()));
  const dual = vectors.mm(
    vectors
      .t()
      .mm(y.sub(y.mean(0)))
      .div(values.add(penalty).unsqueeze(1)),
  );
  return asked.sub(centre).to({ dtype: "float64" }).mm(x.t()).mm(dual).add(y.mean(0));
}

/** @param scores [Q, ways] of queries class by class; of equal ones the first counts */
const share = (scores: Tensor, queries: number): number => {
  const named = scores.argmax(1).toNumbers();
  return named.filter((way, i) => way === Math.floor(i / queries)).length / named.length;
};

export const fewShotMeasure: Measure = {
  name: "few-shot",
  title: "Few-shot classification, 5 ways and 5 shots",
  unit: "share",
  better: "higher",
  of: "understanding",
  lacks: ({ data: { classes, test } }) => {
    if (classes === null) return "pictures whose classes are named";
    const { ways, shots, queries } = usualEpisodes;
    if (classes.length < ways) return `${ways} classes or more`;
    const least = ways * (shots + queries);
    return test.count < least ? `${least} test pictures or more, ${shots + queries} of a class` : null;
  },
  run: async ({ data, features, seed }) => {
    const settings = { ...usualEpisodes, seed };
    const pools = labelledPools(await features.of(data.test), "test", "few-shot episodes");
    // Buffers and image tokens together are what the model's own embedding is made of.
    const { prototypes, ridge } = fewShot(pools.get("all")!, data.classes!.length, settings);
    const { mean: value, ...interval } = meanInterval(prototypes);
    return {
      value,
      interval,
      samples: prototypes.length,
      outcomes: prototypes,
      details: { ridge: { ...meanInterval(ridge) }, pool: "all", settings: { ...settings } },
    };
  },
};
