import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recordedUnderstanding } from "../../test/understanding.js";
import { Generator, randn, scope, tensor } from "../tensor/index.js";
import {
  drawEpisodes,
  fewShot,
  fewShotMeasure,
  prototypeScores,
  ridgeScores,
  usualEpisodes,
} from "./few-shot.js";
import type { Offered } from "./measurement.js";
import { splitOf } from "./splits.js";

const recorded = recordedUnderstanding.fewShot;

function recordedFeatures() {
  const { known, asked, width } = recorded;
  return {
    known: tensor(known, [known.length / width, width]),
    asked: tensor(asked, [asked.length / width, width]),
  };
}

describe("few-shot classifiers", () => {
  it("ridge is scikit-learn's RidgeClassifier with alpha 1", () => {
    scope(() => {
      const { known, asked } = recordedFeatures();
      const scores = ridgeScores(known, asked, recorded.ways);
      expect(scores.argmax(1).toNumbers()).toEqual(recorded.ridgeNamed);
      for (const [i, score] of scores.toNumbers().entries()) expect(score).toBeCloseTo(recorded.ridge[i]!, 5);
    });
  });

  it("prototypes are scikit-learn's NearestCentroid", () => {
    scope(() => {
      const { known, asked } = recordedFeatures();
      const scores = prototypeScores(known, asked, recorded.ways);
      expect(scores.argmax(1).toNumbers()).toEqual(recorded.nearest);
      const own = asked.square().sum([1], true);
      for (const [i, squared] of own.sub(scores).toNumbers().entries())
        expect(squared).toBeCloseTo(recorded.squaredDistances[i]!, 5);
    });
  });
});

const settings = { ...usualEpisodes, ways: 3, shots: 2, queries: 3, episodes: 20 };

describe("episodes", () => {
  it("take different pictures of different classes, the shots apart from the queries", () => {
    const labels = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 60, maxLength: 90 });
    fc.assert(
      fc.property(labels, fc.nat(1000), (drawn, seed) => {
        const all = [...drawn, ...Array(5).fill(0), ...Array(5).fill(1), ...Array(5).fill(2)] as number[];
        for (const { support, query } of drawEpisodes(all, 6, { ...settings, seed })) {
          expect(new Set([...support, ...query]).size).toBe(3 * 5);
          const shown = support.map((place) => all[place]!);
          expect(new Set(shown).size).toBe(3);
          for (const [i, place] of query.entries()) expect(all[place]).toBe(shown[2 * Math.floor(i / 3)]);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("are the same for the same labels and seed, and others for another", () => {
    const labels = Array.from({ length: 60 }, (_, i) => i % 6);
    const of = (seed: number) => drawEpisodes(labels, 6, { ...settings, seed });
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    expect(new Set(of(1).map(({ support }) => support.join())).size).toBe(settings.episodes);
  });

  it("draw each class's pictures by a stream of their own", () => {
    // Picture i of class k is number 6 i + k: what is drawn of a class is told by i.
    const labels = Array.from({ length: 60 }, (_, i) => i % 6);
    const alike = drawEpisodes(labels, 6, settings).filter(({ support }) => {
      const [one, other] = [support.slice(0, 2), support.slice(2, 4)].map((places) =>
        places.map((place) => Math.floor(place / 6)).join(),
      );
      return one === other;
    });
    expect(alike.length).toBeLessThan(settings.episodes / 2);
  });

  it("are all right where classes lie apart, by chance where features say nothing", () => {
    scope(() => {
      const labels = Array.from({ length: 120 }, (_, i) => i % 6);
      const generator = Generator.fromSeed(2);
      const noise = randn([120, 8], { generator });
      const shown = randn([6, 8], { generator })
        .mul(20)
        .indexSelect(0, tensor(labels, [120], { dtype: "int64" }));
      const apart = fewShot({ features: noise.add(shown), labels }, 6, settings);
      expect([...apart.prototypes, ...apart.ridge]).toEqual(Array(2 * settings.episodes).fill(1));
      const blind = fewShot({ features: noise, labels }, 6, { ...settings, episodes: 100 });
      for (const found of [blind.prototypes, blind.ridge]) {
        expect(found.length).toBe(100);
        // Of 900 names, five deviations.
        expect(Math.abs(found.reduce((sum, one) => sum + one, 0) / 100 - 1 / 3)).toBeLessThan(0.08);
      }
    });
  });

  it("do not depend on how long features are", () => {
    scope(() => {
      const labels = Array.from({ length: 60 }, (_, i) => i % 6);
      const generator = Generator.fromSeed(6);
      const features = randn([60, 8], { generator }).add(tensor(labels, [60, 1]));
      const lengths = randn([60, 1], { generator }).exp();
      const of = (some: typeof features) => fewShot({ features: some, labels }, 6, settings).prototypes;
      expect(of(features.mul(lengths))).toEqual(of(features));
    });
  });

  it("need enough classes with enough pictures", () => {
    const few = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2];
    expect(() => drawEpisodes(few, 3, settings)).toThrow(/3 classes or more of 5 pictures each, got 2 of 3/);
    expect(drawEpisodes([...few, 2], 3, settings).length).toBe(20);
  });

  it("say so before anything starts where pictures are too few whatever their classes", () => {
    const offered = (classes: number, count: number): Offered => ({
      data: {
        train: null,
        test: { ...splitOf("test", []), count },
        classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
        scenes: null,
        dense: null,
      },
      drawings: null,
      judges: { inception: null, reference: null, encoder: null, pairs: null },
    });
    expect(fewShotMeasure.lacks(offered(5, 100))).toBeNull();
    expect(fewShotMeasure.lacks(offered(5, 99))).toBe("100 test pictures or more, 20 of a class");
    expect(fewShotMeasure.lacks(offered(4, 100))).toBe("5 classes or more");
  });
});
