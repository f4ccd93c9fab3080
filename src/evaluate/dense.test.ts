import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ignoredLabel } from "../data/dense/dense-split.js";
import {
  Generator,
  randint,
  randn,
  scope,
  type Tensor,
  tensor,
  upsampleBilinear,
  zeros,
} from "../tensor/index.js";
import { bilinearRows } from "./bilinear.js";
import { type DenseSet, denseHead, usualDenseHead } from "./dense-head.js";
import { depthErrors, depthObjective, depthRange } from "./depth.js";
import { resampledInterval } from "./resampled-interval.js";
import { pixelCounts, segmentationObjective, segmentationOf } from "./segmentation.js";

interface Fixture {
  readonly segmentation: {
    readonly classes: number;
    readonly named: readonly (readonly number[])[];
    readonly truth: readonly (readonly number[])[];
    readonly meanIou: number;
    readonly pixelAccuracy: number;
    readonly ious: readonly (number | null)[];
  };
  readonly depth: {
    readonly metres: readonly (readonly number[])[];
    readonly millimetres: readonly (readonly number[])[];
    readonly errors: readonly Readonly<Record<"pixels" | "rmse" | "absRel" | "delta", number>>[];
  };
}

const fixture = JSON.parse(
  readFileSync(new URL("../../test/fixtures/evaluate/dense.json", import.meta.url), "utf8"),
) as Fixture;

const [grid, side] = [4, 16];

/** Pictures whose grid cells each have one of some classes; the truth has it at every pixel of the cell. */
function cells(pictures: number, classes: number, seed: number): { truths: Uint8Array[]; ofCells: number[] } {
  const random = Generator.fromSeed(seed);
  const ofCells = scope(() =>
    randint(0, classes, [pictures * grid * grid], { generator: random, dtype: "int64" }).toNumbers(),
  );
  const truths = Array.from({ length: pictures }, (_, picture) =>
    Uint8Array.from({ length: side * side }, (_, at) => {
      const [y, x] = [Math.floor(at / side / 4), Math.floor((at % side) / 4)];
      return ofCells[picture * grid * grid + y * grid + x]!;
    }),
  );
  return { truths, ofCells };
}

/** Which class each cell has, as its token. */
function tokensOf(ofCells: readonly number[], classes: number): Tensor {
  const at = tensor(ofCells, [ofCells.length, 1], { dtype: "int64" });
  return zeros([ofCells.length, classes])
    .scatterValue(1, at, 1)
    .reshape([-1, grid * grid, classes]);
}

describe("mean intersection over union", () => {
  const { classes, named, truth, meanIou, pixelAccuracy, ious } = fixture.segmentation;

  it("is scikit-learn's confusion matrix made into a share", () => {
    const found = segmentationOf(truth.map((one, i) => pixelCounts(named[i]!, one, classes)));
    expect(found.meanIou).toBeCloseTo(meanIou, 12);
    expect(found.pixelAccuracy).toBeCloseTo(pixelAccuracy, 12);
    for (const [label, iou] of ious.entries())
      if (iou === null) expect(found.ious[label]).toBeNull();
      else expect(found.ious[label]).toBeCloseTo(iou, 12);
  });

  it("is 1 for the truth itself, whatever is ignored", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 2, ignoredLabel), { minLength: 1 }), (labels) => {
        const said = labels.map((label) => (label === ignoredLabel ? 1 : label));
        const { meanIou: mean, ious: each } = segmentationOf([pixelCounts(said, labels, 3)]);
        expect(mean).toBe(labels.every((label) => label === ignoredLabel) ? 0 : 1);
        expect(each.every((iou) => iou === null || iou === 1)).toBe(true);
      }),
    );
  });
});

describe("errors of depth", () => {
  it("are numpy's", () => {
    const { metres, millimetres, errors } = fixture.depth;
    for (const [i, wanted] of errors.entries()) {
      const found = depthErrors(metres[i]!, millimetres[i]!);
      expect(found.pixels).toBe(wanted.pixels);
      for (const part of ["rmse", "absRel", "delta"] as const)
        expect(found[part]).toBeCloseTo(wanted[part], 12);
    }
  });

  it("know what there is to learn from, without what is unknown", () => {
    const range = depthRange([Uint16Array.of(1000, 0, 3000), Uint16Array.of(0, 2000, 2000)]);
    expect(range).toMatchObject({ mean: 2, low: 1, high: 3 });
    expect(range.deviation).toBeCloseTo(Math.SQRT1_2, 12);
    expect(() => depthRange([Uint16Array.of(0, 0)])).toThrow(/known depth, got none/);
  });
});

describe("bilinear rows", () => {
  it("draw out what libtorch draws out, for every pixel", () => {
    for (const [from, to] of [
      [4, 16],
      [3, 7],
      [5, 5],
      [1, 6],
      [6, 4],
    ] as const)
      scope(() => {
        const numbers = randn([1, 1, from, from], { generator: Generator.fromSeed(from) });
        const places = Array.from({ length: to * to }, (_, i) => i);
        const own = bilinearRows(places, to, from).matmul(numbers.reshape([from * from, 1]));
        const its = upsampleBilinear(numbers, [to, to], false);
        const error = own
          .reshape([to * to])
          .sub(its.reshape([to * to]))
          .abs()
          .amax([0])
          .item();
        expect(error).toBeLessThan(1e-5);
      });
  });
});

describe("a dense head", () => {
  const settings = { ...usualDenseHead, rates: [0.03, 0.3] };
  const set = (pictures: number, classes: number, seed: number): DenseSet => {
    const { truths, ofCells } = cells(pictures, classes, seed);
    return { tokens: tokensOf(ofCells, classes), truths };
  };

  it("names every cell where its token is its class", () => {
    scope(() => {
      const found = denseHead(segmentationObjective(5), set(60, 5, 1), set(10, 5, 2), settings);
      // Between cells the drawing out is of both; their middles are what a head can name.
      expect(segmentationOf(found.verdicts).pixelAccuracy).toBeGreaterThan(0.8);
      const whole = { ...settings, pixels: grid * grid };
      const fine = (one: DenseSet): DenseSet => ({
        ...one,
        truths: one.truths.map((truth) =>
          Uint8Array.from(
            { length: grid * grid },
            (_, at) => truth[Math.floor(at / grid) * 4 * side + (at % grid) * 4]!,
          ),
        ),
      });
      const each = denseHead(segmentationObjective(5), fine(set(60, 5, 1)), fine(set(10, 5, 2)), whole);
      expect(segmentationOf(each.verdicts)).toMatchObject({ meanIou: 1, pixelAccuracy: 1 });
      expect(each.sweep.map(({ rate }) => rate)).toEqual(settings.rates);
    });
  });

  it("names the most frequent class where tokens say nothing, and never learns from what is ignored", () => {
    scope(() => {
      const random = Generator.fromSeed(4);
      // Two pixels of three are class 1; class 2 is there, and ignored.
      const truth = Uint8Array.from({ length: side * side }, (_, at) => [1, 1, 0, ignoredLabel][at % 4]!);
      const noise = (pictures: number): DenseSet => ({
        tokens: randn([pictures, grid * grid, 3], { generator: random }),
        truths: Array.from({ length: pictures }, () => truth),
      });
      const { verdicts } = denseHead(segmentationObjective(3), noise(80), noise(6), {
        ...settings,
        rates: [0.03],
      });
      const { ious, pixelAccuracy } = segmentationOf(verdicts);
      expect(pixelAccuracy).toBeCloseTo(2 / 3, 2);
      expect(ious[2]).toBeNull();
    });
  });

  it("tells a depth that its tokens hold, and the mean where they hold none", () => {
    scope(() => {
      const random = Generator.fromSeed(6);
      const metresOf = (far: number): number => 2 + far;
      const pictures = (count: number, telling: "telling" | "silent"): DenseSet => {
        const far = randn([count], { generator: random }).sigmoid();
        const noise = randn([count, grid * grid, 3], { generator: random });
        const told = far
          .reshape([count, 1, 1])
          .expand([count, grid * grid, 3])
          .contiguous();
        return {
          tokens: telling === "telling" ? told : noise,
          truths: far
            .toNumbers()
            .map((one) => new Uint16Array(side * side).fill(Math.round(1000 * metresOf(one)))),
        };
      };
      const rmse = (telling: "telling" | "silent"): number => {
        const [train, test] = [pictures(120, telling), pictures(40, telling)];
        const { verdicts } = denseHead(depthObjective(depthRange(train.truths)), train, test, settings);
        return Math.sqrt(verdicts.reduce((sum, one) => sum + one.rmse ** 2, 0) / verdicts.length);
      };
      expect(rmse("telling")).toBeLessThan(0.01);
      // The deviation of the sigmoid of a normal number is 0.208.
      expect(rmse("silent")).toBeGreaterThan(0.17);
      expect(rmse("silent")).toBeLessThan(0.25);
    });
  });

  it("refuses too few pictures, and truths of several sizes", () => {
    scope(() => {
      const one = set(1, 2, 1);
      expect(() => denseHead(segmentationObjective(2), one, one)).toThrow(/1 to train on/);
      const mixed = { ...one, truths: [new Uint8Array(4)] };
      expect(() => denseHead(segmentationObjective(2), set(20, 2, 1), mixed)).toThrow(/4 numbers beside 256/);
    });
  });
});

describe("a resampled interval", () => {
  it("is about that of the mean, where the figure is one", () => {
    const samples = Array.from({ length: 200 }, (_, i) => (i * 37) % 100);
    const mean = (some: readonly number[]): number => some.reduce((sum, one) => sum + one, 0) / some.length;
    const { low, high } = resampledInterval(samples, mean, 3);
    // The deviation is 28.9, so 1.96 of the mean's are 4.0.
    expect(low).toBeGreaterThan(49.5 - 5);
    expect(low).toBeLessThan(49.5 - 3);
    expect(high).toBeGreaterThan(49.5 + 3);
    expect(high).toBeLessThan(49.5 + 5);
    expect(resampledInterval(samples, mean, 3)).toEqual({ low, high });
  });
});
