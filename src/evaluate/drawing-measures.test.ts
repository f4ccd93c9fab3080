import { describe, expect, it, vi } from "vitest";
import type { Sample } from "../data/sample.js";
import type { Picture } from "../formats/images.js";
import { Inception } from "../models/frozen/inception.js";
import { stateFile } from "../nn/index.js";
import { Generator, liveTensorCount, randint, scope, tensor } from "../tensor/index.js";
import { clipScoreMeasure, clipScores } from "./clip-score.js";
import { coverage, precisionRecallMeasure } from "./coverage.js";
import { drawingSpeedMeasure } from "./drawing-speed.js";
import { requireApplicable } from "./evaluate.js";
import { statisticsOf } from "./feature-statistics.js";
import { fidMeasure } from "./fid.js";
import { frechetDistance, frechetMeasure } from "./frechet.js";
import { inceptionFeatures } from "./inception-features.js";
import { inceptionScore, inceptionScoreMeasure } from "./inception-score.js";
import { splitOf } from "./splits.js";
import type { Drawings, Judges, PictureJudge, Subject } from "./subject.js";

const side = 16;
function randomPictures(count: number, seed: number, brightest: number): Picture[] {
  const size = side * side * 3;
  const bytes = scope(() => {
    const generator = Generator.fromSeed(seed);
    return randint(0, brightest, [count * size], { generator, dtype: "uint8" }).toBytes();
  });
  return Array.from({ length: count }, (_, i) => ({
    width: side,
    height: side,
    data: bytes.slice(i * size, (i + 1) * size),
  }));
}

/** More than the network sees at a time. */
const count = 40;
const real = randomPictures(60, 1, 256);
const samples = real.map(
  (picture, i): Sample => ({
    key: `sample ${i}`,
    captions: [`caption ${i}`],
    caption: `caption ${i}`,
    label: null,
    truth: null,
    picture,
  }),
);
const drawnPictures = randomPictures(count, 2, 200);
const drawings: Drawings = {
  drawn: drawnPictures.map((picture, number) => ({ number, picture })),
  seconds: 8,
};
const newInception = () =>
  Inception.from(stateFile("test/fixtures/inception/40.safetensors"), { divisor: 40 });
const inception = newInception();

/** The mean brightness of each third of a picture. */
const thirds: PictureJudge = {
  name: "thirds",
  features: (pictures) =>
    tensor(
      pictures.flatMap(({ data }) =>
        [0, 256, 512].map((at) => data.subarray(at, at + 256).reduce((sum, byte) => sum + byte, 0) / 256),
      ),
      [pictures.length, 3],
    ),
};

function subjectOf(judges: Partial<Judges>, drawn: Drawings | null = drawings): Subject {
  return {
    data: { train: null, test: splitOf("test", samples), classes: null, scenes: null },
    drawings: drawn === null ? null : vi.fn(async () => drawn),
    judges: { inception: null, reference: null, encoder: null, pairs: null, ...judges },
    seed: 5,
  } as unknown as Subject;
}

const ofDrawn = inceptionFeatures(inception, drawnPictures);
const ofReal = inceptionFeatures(inception, real.slice(0, count));

describe("measures in Inception's features", () => {
  it("FID is the distance from the pictures of the samples that were drawn for", async () => {
    const { value, samples: over, interval, details } = await fidMeasure.run(subjectOf({ inception }));
    expect(value).toBeCloseTo(frechetDistance(statisticsOf(ofReal.pool), statisticsOf(ofDrawn.pool)), 9);
    expect(value).toBeGreaterThan(0.01);
    expect([over, interval, details]).toEqual([count, null, { reference: "test" }]);
  });

  it("FID takes reference statistics instead, and refuses those of another width before it draws", async () => {
    const reference = statisticsOf(ofDrawn.pool);
    const { value, details } = await fidMeasure.run(subjectOf({ inception, reference }));
    expect(value).toBeLessThan(1e-4);
    expect(details).toEqual({ reference: "statistics" });
    const other = subjectOf({ inception, reference: statisticsOf(ofDrawn.logits) });
    await expect(fidMeasure.run(other)).rejects.toThrow(/of Inception's 53 features, got 26/);
    expect(other.drawings).not.toHaveBeenCalled();
  });

  it("the inception score is that of its classes, in ten parts", async () => {
    const { value, details } = await inceptionScoreMeasure.run(subjectOf({ inception }));
    const { mean, deviation } = inceptionScore(ofDrawn.logits, 10);
    expect([value, details]).toEqual([mean, { parts: 10, deviation }]);
  });

  it("precision has an outcome for each drawing, and recall beside it", async () => {
    const { value, outcomes, interval, details } = await precisionRecallMeasure.run(subjectOf({ inception }));
    const expected = coverage(ofReal.pool, ofDrawn.pool, 3);
    expect(value).toBe(expected.precision);
    expect(outcomes).toEqual(expected.drawnWithin);
    expect(details).toMatchObject({ recall: expected.recall, neighbour: 3 });
    expect(interval!.low).toBeLessThanOrEqual(value);
  });

  it("are computed once for all of them", async () => {
    const another = newInception();
    const forward = vi.spyOn(another, "forward");
    const subject = subjectOf({ inception: another });
    for (const measure of [fidMeasure, inceptionScoreMeasure, precisionRecallMeasure, fidMeasure])
      await measure.run(subject);
    // Forty drawings and forty pictures, thirty-two at a time.
    expect(forward).toHaveBeenCalledTimes(4);
    // Other drawings from the same pictures.
    const fewer = { ...drawings, drawn: [...drawings.drawn] };
    await fidMeasure.run({ ...subject, drawings: async () => fewer });
    expect(forward).toHaveBeenCalledTimes(6);
    const first = { ...drawings, drawn: drawings.drawn.slice(0, 20) };
    await fidMeasure.run({ ...subject, drawings: async () => first });
    expect(forward).toHaveBeenCalledTimes(8);
  });

  it("need more than no drawings, and drawings of samples that there are", async () => {
    const run = (drawn: Drawings["drawn"]) => fidMeasure.run(subjectOf({ inception }, { drawn, seconds: 1 }));
    await expect(run([])).rejects.toThrow(/expected at least one drawing, got none/);
    const beyond = [...drawings.drawn, ...drawings.drawn].map(({ picture }, number) => ({ picture, number }));
    await expect(run(beyond)).rejects.toThrow(/expected drawings of the 60 samples of test/);
    await expect(run([...drawings.drawn].reverse())).rejects.toThrow(/in the order of their samples/);
  });
});

describe("the Fréchet distance in another encoder's features", () => {
  it("is that of its features, with a resampled interval", async () => {
    const subject = subjectOf({ encoder: thirds });
    const before = liveTensorCount();
    const { value, interval, details } = await frechetMeasure.run(subject);
    expect(liveTensorCount()).toBe(before);
    const [a, b] = [real.slice(0, count), drawnPictures].map((some) => statisticsOf(thirds.features(some)));
    expect(value).toBeCloseTo(frechetDistance(a!, b!), 6);
    expect(details).toEqual({ encoder: "thirds", width: 3, reference: "test" });
    expect(interval!.low).toBeLessThan(value);
    expect(interval!.high).toBeGreaterThan(value);
    expect((await frechetMeasure.run(subject)).interval).toEqual(interval);
  });

  it("has no interval where features are wide, and is never called FID", async () => {
    const wide: PictureJudge = {
      name: "wide",
      features: (pictures) => thirds.features(pictures).repeat([1, 100]),
    };
    expect((await frechetMeasure.run(subjectOf({ encoder: wide }))).interval).toBeNull();
    expect(`${frechetMeasure.name} ${frechetMeasure.title}`).not.toMatch(/FID/i);
  });
});

describe("the CLIP score", () => {
  it("is 100 times the cosine, and 0 below it", () => {
    expect(clipScores([0.25, -0.5, 1])).toEqual([25, 0, 100]);
  });

  it("asks a judge about each drawing and its own caption", async () => {
    const brightness = ({ data }: Picture): number =>
      data.reduce((sum, byte) => sum + byte, 0) / data.length / 255;
    const scores = vi.fn((pictures: readonly Picture[]) => pictures.map((one) => brightness(one) - 0.35));
    const subject = subjectOf({ pairs: { name: "bright", scores } });
    const { value, outcomes, interval, details } = await clipScoreMeasure.run(subject);
    const cosines = drawnPictures.map((one) => brightness(one) - 0.35);
    expect(outcomes).toEqual(clipScores(cosines));
    expect(value).toBeCloseTo(outcomes!.reduce((sum, one) => sum + one, 0) / count, 12);
    expect(interval!.low).toBeLessThan(value);
    expect(details.judge).toBe("bright");
    expect(details.cosine).toBeCloseTo(cosines.reduce((sum, one) => sum + one, 0) / count, 12);
    expect(scores.mock.calls.flatMap(([, captions]: unknown[]) => captions)).toEqual(
      samples.slice(0, count).map(({ caption }) => caption),
    );
  });
});

describe("measures of drawings", () => {
  it("count pictures in a second", async () => {
    expect((await drawingSpeedMeasure.run(subjectOf({}))).value).toBe(5);
  });

  it("say before anything is drawn what they lack", () => {
    const all = [fidMeasure, inceptionScoreMeasure, precisionRecallMeasure, frechetMeasure, clipScoreMeasure];
    for (const measure of all) {
      expect(measure.lacks(subjectOf({}, null)), measure.name).toBe("a model that draws");
      expect(measure.lacks(subjectOf({})), measure.name).toMatch(/^(the|a) /);
      const judges = { inception, encoder: thirds, pairs: { name: "none", scores: () => [] } };
      expect(measure.lacks(subjectOf(judges)), measure.name).toBeNull();
    }
    expect(() => requireApplicable(all, subjectOf({ inception }))).toThrow(
      /frechet needs a frozen encoder of pictures as a judge; clip-score needs a CLIP model/,
    );
  });
});
