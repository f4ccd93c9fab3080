import { describe, expect, it } from "vitest";
import { recordedUnderstanding } from "../../test/understanding.js";
import { Generator, randn, scope, type Tensor, tensor, zeros } from "../tensor/index.js";
import type { LabelledFeatures } from "./labelled-features.js";
import { Lars } from "./lars.js";
import { cutValidation, linearProbe, type ProbeSplits, probePools, usualProbe } from "./linear-probe.js";
import { ProbeHeads, type ProbeSettings, rateFactor } from "./probe-heads.js";

describe("LARS", () => {
  it.each(recordedUnderstanding.lars)("is You et al.'s in float64, case %#", (recorded) => {
    const [R, D, K] = recorded.shape;
    scope(() => {
      const weights = tensor(recorded.weights, [R, D, K]);
      const biases = tensor(recorded.biases, [R, 1, K]);
      const lars = new Lars(weights, biases, recorded.config);
      for (const [step, factor] of recorded.factors.entries())
        lars.step(
          [
            tensor(recorded.weightGradients[step]!, [R, D, K]),
            tensor(recorded.biasGradients[step]!, [R, 1, K]),
          ],
          tensor(
            recorded.rates.map((rate) => rate * factor),
            [R, 1, 1],
          ),
        );
      lars.dispose();
      const largest = Math.max(...recorded.expectedWeights.map(Math.abs));
      for (const [i, expected] of recorded.expectedWeights.entries())
        expect(Math.abs(weights.toNumbers()[i]! - expected) / largest).toBeLessThan(2e-6);
      for (const [i, expected] of recorded.expectedBiases.entries())
        expect(biases.toNumbers()[i]! / expected).toBeCloseTo(1, 4);
    });
  });
});

describe("the probe's rate", () => {
  it("rises evenly, then falls along a cosine to 0", () => {
    expect([0, 5, 10].map((epoch) => rateFactor(epoch, 90, 10))).toEqual([0, 0.5, 1]);
    expect(rateFactor(50, 90, 10)).toBeCloseTo(0.5, 12);
    expect(rateFactor(90, 90, 10)).toBeCloseTo(0, 12);
  });
});

const quick: ProbeSettings = { ...usualProbe, rates: [1, 10], epochs: 20, warmupEpochs: 2, batchSize: 32 };

/** @param features [n, D] */
function splitsOf(
  features: Tensor,
  labels: readonly number[],
  [train, validation]: readonly number[],
): ProbeSplits {
  const cut = (from: number, to: number): LabelledFeatures => ({
    features: features.narrow(0, from, to - from),
    labels: labels.slice(from, to),
  });
  const end = train! + validation!;
  return { train: cut(0, train!), validation: cut(train!, end), test: cut(end, labels.length) };
}

const cyclic = (count: number, classes: number): number[] =>
  Array.from({ length: count }, (_, i) => i % classes);

describe("the linear probe", () => {
  it("names all where the features are the labels, and by chance where they say nothing", () => {
    scope(() => {
      const labels = cyclic(800, 5);
      const generator = Generator.fromSeed(3);
      const told = zeros([800, 5]).scatterValue(1, tensor(labels, [800, 1], { dtype: "int64" }), 1);
      const perfect = linearProbe(splitsOf(told, labels, [320, 80]), 5, quick);
      expect(perfect.accuracy).toBe(1);
      expect(perfect.outcomes).toEqual(Array(400).fill(1));
      const blind = linearProbe(splitsOf(randn([800, 5], { generator }), labels, [320, 80]), 5, quick);
      // Five deviations of 400 throws.
      expect(Math.abs(blind.accuracy - 0.2)).toBeLessThan(0.1);
    });
  });

  it("comes near the best that can be had of classes with known means", () => {
    scope(() => {
      const [n, D, K] = [2400, 16, 6];
      const generator = Generator.fromSeed(5);
      const labels = cyclic(n, K);
      const means = randn([K, D], { generator }).mul(0.6);
      const shown = means.indexSelect(0, tensor(labels, [n], { dtype: "int64" }));
      // Features of unlike scales, which BatchNorm must undo.
      const scales = randn([D], { generator }).exp();
      const features = randn([n, D], { generator }).add(shown);
      const splits = splitsOf(features.mul(scales).add(7), labels, [1200, 200]);
      const found = linearProbe(splits, K, {
        ...usualProbe,
        rates: [0.3, 3, 10],
        epochs: 30,
        warmupEpochs: 3,
      });
      const test = features.narrow(0, 1400, 1000);
      const nearest = test.mm(means.t()).mul(2).sub(means.square().sum(1)).argmax(1).toNumbers();
      const best = nearest.filter((named, i) => named === labels[1400 + i]).length / 1000;
      expect(best).toBeLessThan(0.97);
      expect(found.accuracy).toBeGreaterThan(best - 0.03);
      expect(found.outcomes.reduce((sum, one) => sum + one, 0) / 1000).toBeCloseTo(found.accuracy, 12);
      expect(found.validation).toBe(Math.max(...found.sweep.map(({ validation }) => validation)));
    });
  });

  it("trains each rate as if it were alone", () => {
    scope(() => {
      const generator = Generator.fromSeed(8);
      const labels = cyclic(300, 3);
      const means = randn([3, 4], { generator });
      const shown = means.indexSelect(0, tensor(labels, [300], { dtype: "int64" }));
      const splits = splitsOf(randn([300, 4], { generator }).add(shown), labels, [100, 100]);
      const of = (rates: readonly number[]) => linearProbe(splits, 3, { ...quick, epochs: 6, rates });
      const together = of([0.02, 1, 10]);
      expect(new Set(together.sweep.map(({ validation }) => validation)).size).toBeGreaterThan(1);
      expect(together.sweep).toEqual([0.02, 1, 10].flatMap((rate) => of([rate]).sweep));
      expect(together.outcomes).toEqual(of([together.rate]).outcomes);
    });
  });

  it("names a picture alone as among others", () => {
    scope(() => {
      const generator = Generator.fromSeed(9);
      const labels = cyclic(128, 4);
      const means = randn([4, 6], { generator }).mul(2);
      const shown = means.indexSelect(0, tensor(labels, [128], { dtype: "int64" }));
      const features = randn([128, 6], { generator }).add(shown).add(3);
      const heads = new ProbeHeads(6, 4, { ...quick, rates: [100] });
      heads.train({ features, labels });
      const [among] = heads.name(features);
      expect(among!.filter((named, i) => named === labels[i]).length).toBeGreaterThan(100);
      expect([0, 1, 2, 3].map((i) => heads.name(features.narrow(0, i, 1))[0]![0])).toEqual(
        among!.slice(0, 4),
      );
    });
  });

  it("keeps the pool that is best on validation, and tells of all", () => {
    scope(() => {
      const generator = Generator.fromSeed(4);
      const labels = cyclic(200, 4);
      const told = zeros([200, 4]).scatterValue(1, tensor(labels, [200, 1], { dtype: "int64" }), 1);
      const noise = randn([200, 4], { generator });
      const pools = new Map([
        ["all", { features: noise, labels }],
        ["buffer", { features: told, labels }],
      ] as const);
      const found = probePools(pools, pools, 4, { ...quick, rates: [10, 100] });
      expect([found.pool, found.accuracy]).toEqual(["buffer", 1]);
      expect([...found.pools.keys()]).toEqual(["all", "buffer"]);
      expect(found.pools.get("all")!.validation).toBeLessThan(1);
    });
  });

  it("keeps a tenth for validation, a batch at least, apart from what it trains on", () => {
    const { train, validation } = cutValidation(5000, { ...quick, seed: 2 });
    expect([train.length, validation.length]).toEqual([4500, 500]);
    expect([...train, ...validation].sort((a, b) => a - b)).toEqual([...Array(5000).keys()]);
    expect(validation).not.toEqual([...validation].sort((a, b) => a - b));
    expect(cutValidation(100, quick).validation.length).toBe(32);
    expect(() => cutValidation(60, quick)).toThrow(/32 pictures or more to train on, got 28/);
  });

  it("refuses labels and features that do not fit", () => {
    scope(() => {
      const features = zeros([64, 2]);
      const good = { features, labels: cyclic(64, 2) };
      const probe = (test: LabelledFeatures) => () =>
        linearProbe({ train: good, validation: good, test }, 2, quick);
      expect(probe({ features, labels: cyclic(64, 3) })).toThrow(/labels from 0 to 1, got 2 of picture 2/);
      expect(probe({ features, labels: [0] })).toThrow(/a label for each of 64 pictures, got 1 labels/);
      expect(probe({ features: features.add(Number.NaN), labels: good.labels })).toThrow(/finite/);
      expect(probe({ features: zeros([0, 2]), labels: [] })).toThrow(/at least one picture, got none/);
    });
  });
});
