import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tinyConfig, tinyModel } from "../../test/tiny.js";
import { combinations, oneObjectScene } from "../data/scenes/one-object.js";
import { sceneRandom } from "../data/scenes/random.js";
import { renderScene } from "../data/scenes/render.js";
import { Generator, randint, randn, scope } from "../tensor/index.js";
import { allCorrect, attributes, fidelityOf, judge, readerFidelity } from "./fidelity.js";
import { pairedDifference, shareInterval } from "./intervals.js";
import { zeroShotCurve } from "./zero-shot.js";

describe("intervals", () => {
  it("of a share are Wilson's", () => {
    // Wilson (1927), by hand for 8 of 10 and 0 of 10.
    expect(shareInterval(8, 10).low).toBeCloseTo(0.4902, 4);
    expect(shareInterval(8, 10).high).toBeCloseTo(0.9433, 4);
    expect(shareInterval(0, 10).low).toBe(0);
    expect(shareInterval(0, 10).high).toBeCloseTo(0.2775, 4);
  });

  it("of a share hold it, and narrow with the count", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (count, p) => {
          const hits = Math.round(p * count);
          const { low, high } = shareInterval(hits, count);
          expect(low).toBeLessThanOrEqual(hits / count + 1e-12);
          expect(high).toBeGreaterThanOrEqual(hits / count - 1e-12);
          const more = shareInterval(hits * 4, count * 4);
          expect(more.high - more.low).toBeLessThan(high - low);
        },
      ),
    );
  });

  it("of paired differences come from the pairs, not from both spreads", () => {
    const a = Array.from({ length: 100 }, (_, i) => i % 2);
    const { mean, low, high } = pairedDifference(a, a);
    expect([mean, low, high]).toEqual([0, 0, 0]);
    // One pair of four gains one: mean 0.25, deviation 0.5, half width 1.96 * 0.5 / 2.
    const gain = pairedDifference([0, 0, 0, 0], [1, 0, 0, 0]);
    expect(gain.mean).toBe(0.25);
    expect(gain.high - gain.mean).toBeCloseTo(1.96 * 0.25, 3);
  });
});

describe("fidelity", () => {
  it("finds rendered scenes right, and one wrong word wrong", () => {
    for (const number of [3, 77, 200, 411, 539]) {
      const truth = combinations[number]!;
      const { picture } = renderScene(oneObjectScene(truth, sceneRandom(8, number)), 32);
      expect(allCorrect(judge(picture, truth))).toBe(true);
      const asked = { ...truth, colour: truth.colour === "red" ? "blue" : "red" } as const;
      expect(judge(picture, asked)).toEqual({ ...judge(picture, truth), colour: false });
    }
  });

  it("counts a picture that cannot be read as wrong in everything", () => {
    const blank = { width: 32, height: 32, data: new Uint8Array(32 * 32 * 3).fill(230) };
    const verdict = judge(blank, combinations[0]!);
    expect(Object.values(verdict)).toEqual(attributes.map(() => false));
    const { allCorrect: right, samples } = fidelityOf([verdict, { ...verdict, shape: true }]);
    expect([right, samples]).toEqual([0, 2]);
    expect(fidelityOf([verdict, { ...verdict, shape: true }]).attributes.shape).toBe(0.5);
  });

  it("states the reader's own error", () => {
    expect(readerFidelity(32, 120, 9, "held-out").allCorrect).toBeGreaterThanOrEqual(0.99);
  });
});

describe("the zero-shot curve", () => {
  it("is perfect where class and picture agree, and by chance where they do not", () => {
    const model = tinyModel();
    const random = Generator.fromSeed(1);
    scope(() => {
      const { textTower } = tinyConfig;
      const latents = randn([200, 4, 8, 8], { generator: random });
      const shape = [10, textTower.contextLength];
      const classIds = randint(1, textTower.vocabulary, shape, { generator: random, dtype: "int64" });
      const guess = (classes: readonly number[]) =>
        zeroShotCurve(model, { latents, classes, classIds }, [0, 0.5], 1);
      const blind = guess(Array.from({ length: 200 }, (_, i) => i % 10));
      for (const { accuracy } of blind) expect(accuracy).toBeLessThan(0.3);
      // Classes that the model itself names are found again, whatever it names.
      const named = Array.from({ length: 10 }, (_, k) => guess(Array(200).fill(k))[0]!.accuracy);
      expect(named.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
    });
  });
});
