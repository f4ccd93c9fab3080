import fc from "fast-check";
import { describe, expect, it } from "vitest";
import recorded from "../../test/fixtures/evaluate/drawings.json" with { type: "json" };
import { stateFile } from "../nn/index.js";
import {
  Generator,
  liveTensorCount,
  ones,
  randn,
  scope,
  type Tensor,
  tensor,
  zeros,
} from "../tensor/index.js";
import { statisticsOf } from "./feature-statistics.js";
import { bootstrapInterval, frechetDistance } from "./frechet.js";

const features = stateFile("test/fixtures/evaluate/drawings.safetensors");
const [real, drawn] = [features.read("real"), features.read("drawn")];

const diagonal = (numbers: readonly number[]): Tensor =>
  tensor(
    numbers.flatMap((number, i) => numbers.map((_, j) => (i === j ? number : 0))),
    [numbers.length, numbers.length],
    { dtype: "float64" },
  );
const gaussian = (mean: readonly number[], variances: readonly number[]) => ({
  mean: tensor(mean, [mean.length], { dtype: "float64" }),
  covariance: diagonal(variances),
});

describe("statistics of features", () => {
  it("are those of all windows together", () => {
    // More rows than are made double at a time, far from zero: the mean is taken off before squares are summed.
    const many = randn([5000, 3], { generator: Generator.fromSeed(4) }).add(1000);
    const rows = many.toNumbers();
    const { mean, covariance } = statisticsOf(many);
    const means = [0, 1, 2].map((j) => rows.reduce((sum, x, i) => (i % 3 === j ? sum + x : sum), 0) / 5000);
    for (const [j, own] of mean.toNumbers().entries()) expect(own).toBeCloseTo(means[j]!, 9);
    for (const [place, own] of covariance.toNumbers().entries()) {
      const [a, b] = [Math.floor(place / 3), place % 3];
      let sum = 0;
      for (let i = 0; i < 5000; i++) sum += (rows[3 * i + a]! - means[a]!) * (rows[3 * i + b]! - means[b]!);
      expect(own).toBeCloseTo(sum / 4999, 9);
    }
  });

  it("need two pictures", () => {
    expect(() => statisticsOf(ones([1, 4]))).toThrow(/expected two samples or more, got 1/);
  });
});

describe("the Fréchet distance", () => {
  const distance = (a: Tensor, b: Tensor): number =>
    scope(() => frechetDistance(statisticsOf(a), statisticsOf(b)));

  it("is what scipy and torch-fidelity compute", () => {
    for (const expected of [recorded.frechet, recorded.frechetOfTorchFidelity])
      expect(Math.abs(distance(real, drawn) / expected - 1)).toBeLessThan(1e-9);
  });

  it("is the same from either side, and none from a set to itself", () => {
    expect(distance(drawn, real)).toBeCloseTo(distance(real, drawn), 9);
    expect(distance(real, real)).toBeCloseTo(0, 9);
  });

  it("is that of each direction where directions are apart", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.double({ min: -5, max: 5, noNaN: true }),
            fc.double({ min: -5, max: 5, noNaN: true }),
            fc.double({ min: 0, max: 9, noNaN: true }),
            fc.double({ min: 0, max: 9, noNaN: true }),
          ),
          { minLength: 1, maxLength: 6 },
        ),
        (directions) => {
          const side = (mean: 0 | 1, variance: 2 | 3) =>
            gaussian(
              directions.map((one) => one[mean]),
              directions.map((one) => one[variance]),
            );
          const expected = directions.reduce(
            (sum, [a, b, s, t]) => sum + (a - b) ** 2 + (Math.sqrt(s) - Math.sqrt(t)) ** 2,
            0,
          );
          expect(scope(() => frechetDistance(side(0, 2), side(1, 3)))).toBeCloseTo(expected, 6);
        },
      ),
    );
  });

  it("is a plain number where there are fewer pictures than features", () => {
    const few = randn([5, 40], { generator: Generator.fromSeed(1) });
    const moved = few.add(2);
    // Roots of numbers that are zero but for rounding add up to a little.
    expect(distance(few, few)).toBeLessThan(1e-4);
    expect(distance(few, few)).toBeGreaterThanOrEqual(0);
    expect(distance(few, moved)).toBeCloseTo(4 * 40, 3);
  });

  it("is refused between two encoders, and leaves nothing behind", () => {
    const [a, b] = [gaussian([0, 0], [1, 1]), gaussian([0], [1])];
    expect(() => frechetDistance(a, b)).toThrow(/2 numbers for each picture, got 1/);
    const before = liveTensorCount();
    frechetDistance(a, gaussian([1, 1], [2, 3]));
    expect(liveTensorCount() - before).toBe(2);
  });
});

describe("the interval of a Fréchet distance", () => {
  it("holds the distance, is the same for the same seed, and narrows with more pictures", () => {
    const random = Generator.fromSeed(8);
    const truth = gaussian([0, 0, 0], [1, 1, 1]);
    const widths = [60, 960].map((count) => {
      const some = randn([count, 3], { generator: random }).add(0.5);
      const distance = frechetDistance(truth, statisticsOf(some));
      const interval = bootstrapInterval(distance, truth, some, 3);
      expect(interval.low).toBeLessThan(distance);
      expect(interval.high).toBeGreaterThan(distance);
      expect(bootstrapInterval(distance, truth, some, 3)).toEqual(interval);
      expect(bootstrapInterval(distance, truth, some, 4)).not.toEqual(interval);
      return interval.high - interval.low;
    });
    // A quarter for sixteen times as many, give or take the chance in a hundred resamplings.
    expect(widths[1]! / widths[0]!).toBeGreaterThan(0.12);
    expect(widths[1]! / widths[0]!).toBeLessThan(0.45);
  });

  it("lies round the distance where few pictures of many features come out farther when drawn again", () => {
    const truth = gaussian(Array(20).fill(0), Array(20).fill(1));
    const few = randn([40, 20], { generator: Generator.fromSeed(6) });
    const distance = frechetDistance(truth, statisticsOf(few));
    const { low, high } = bootstrapInterval(distance, truth, few, 1);
    expect(low).toBeLessThan(distance);
    expect(high).toBeGreaterThan(distance);
  });

  it("holds the true distance about as often as it says", () => {
    const truth = gaussian([0, 0], [1, 1]);
    let held = 0;
    for (let trial = 0; trial < 40; trial++)
      scope(() => {
        const some = randn([200, 2], { generator: Generator.fromSeed(trial) }).add(1);
        const distance = frechetDistance(truth, statisticsOf(some));
        const { low, high } = bootstrapInterval(distance, truth, some, trial);
        if (low <= 2 && 2 <= high) held++;
      });
    expect(held).toBeGreaterThanOrEqual(34);
    expect(held).toBeLessThan(40);
  });

  it("of the distance 0 does not begin below it", () => {
    const same = zeros([4, 2]);
    expect(bootstrapInterval(0, statisticsOf(same), same, 1)).toEqual({ low: 0, high: 0 });
  });
});
