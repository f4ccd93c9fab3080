import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tinyConfig, tinyModel } from "../../test/tiny.js";
import type { DensePictures } from "../data/dense/dense-split.js";
import { openSceneTruths } from "../data/dense/scene-shards.js";
import { writeScenes } from "../data/scenes/write.js";
import { PatchCodec } from "../features/patch-codec.js";
import { pixelsOf } from "../features/pixels.js";
import { scope } from "../tensor/index.js";
import { tokensOf } from "./dense-set.js";
import { depthMeasure } from "./depth.js";
import { applicability } from "./evaluate.js";
import { frozenTokens, requireRoom, tokenBytes } from "./frozen-tokens.js";
import { segmentationMeasure } from "./segmentation.js";
import { SharedFeatures } from "./shared-features.js";
import { splitOf } from "./splits.js";
import type { EvaluationData, Subject } from "./subject.js";

const request = { level: 2, seed: 5, sizePixels: 32, samplesPerShard: 100 } as const;

/** Scenes of 32 pixels, whose latents of a tiny model are 4 components of patches of 4 pixels. */
async function makeSubject(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), "dream-dense-"));
  await writeScenes({ ...request, folder, split: "train", count: 40 });
  await writeScenes({ ...request, folder, split: "held-out", count: 8 });
  const patterns = { train: join(folder, "train-*.tar"), test: join(folder, "held-out-*.tar") };
  const dense = openSceneTruths(patterns, { train: 40, test: 8 });
  const { pictures } = dense.depth.train;
  const read = await Promise.all(Array.from({ length: 40 }, (_, i) => pictures.read(i)));
  const codec = PatchCodec.fit(pixelsOf(read), { patch: 4, components: 4, whitening: 0.5 });
  const encoding = {
    model: tinyModel(),
    codec,
    captions: {} as Subject["captions"],
  };
  const none = splitOf("none", []);
  const data: EvaluationData = { train: null, test: none, classes: null, scenes: 2, dense };
  const judges = { inception: null, encoder: null, pairs: null, reference: null };
  return { ...encoding, data, features: new SharedFeatures(encoding), drawings: null, judges, seed: 1 };
}

describe("dense measures", () => {
  it("measure scenes, and encode their pictures once for both", async () => {
    const subject = await makeSubject();
    const { train } = subject.data.dense!.depth!;
    const segmentation = await segmentationMeasure.run(subject);
    const tokens = await tokensOf(subject.features, train.pictures);
    const depth = await depthMeasure.run(subject);
    expect(await tokensOf(subject.features, train.pictures)).toBe(tokens);
    expect(tokens.shape).toEqual([40, 16, 32]);
    expect(segmentation.samples).toBe(8);
    expect(segmentation.value).toBeGreaterThan(0);
    // The ground alone is nine pixels of ten.
    expect(segmentation.details.pixelAccuracy).toBeGreaterThan(0.8);
    expect(Object.keys(segmentation.details.ious as object)).toHaveLength(19);
    expect(segmentation.interval!.low).toBeLessThanOrEqual(segmentation.value);
    expect(segmentation.interval!.high).toBeGreaterThanOrEqual(segmentation.value);
    const outcomes = depth.outcomes!;
    expect(outcomes.reduce((sum, one) => sum + one, 0) / outcomes.length).toBeCloseTo(depth.value, 12);
    expect(depth.value).toBeLessThan(2);
    await subject.features.dispose();
    subject.model.dispose();
  });

  it("say what they lack", async () => {
    const subject = await makeSubject();
    const bare = { ...subject, data: { ...subject.data, dense: null } };
    const lacking = applicability([segmentationMeasure, depthMeasure], bare);
    expect(lacking.map(({ kind }) => kind)).toEqual(["lacking", "lacking"]);
    expect(applicability([segmentationMeasure, depthMeasure], subject).map(({ kind }) => kind)).toEqual([
      "applicable",
      "applicable",
    ]);
    await subject.features.dispose();
    subject.model.dispose();
  });

  it("refuse pictures of no known depth before any is encoded", async () => {
    const subject = await makeSubject();
    const { depth } = subject.data.dense!;
    const unknown = { width: 32, height: 32, data: new Uint16Array(32 * 32) };
    const test = { ...depth!.test, truth: async () => unknown };
    let read = 0;
    const pictures: DensePictures = {
      ...depth!.train.pictures,
      read: (number) => {
        read++;
        return depth!.train.pictures.read(number);
      },
    };
    const dense = { segmentation: null, depth: { train: { ...depth!.train, pictures }, test } };
    const blind = { ...subject, data: { ...subject.data, dense } };
    await expect(depthMeasure.run(blind)).rejects.toThrow(
      /held-out, picture 0: expected pixels of known depth/,
    );
    expect(read).toBe(0);
    subject.model.dispose();
  });
});

describe("frozen tokens", () => {
  it("are normalised each by itself, and of the square that a larger picture has in its middle", async () => {
    const { model, codec, captions } = await makeSubject();
    const picture = (width: number, left: number) => ({
      width,
      height: 32,
      data: Uint8Array.from(
        { length: width * 32 * 3 },
        (_, i) => ((Math.floor(i / 3) % width) - left) * 6 + (i % 3),
      ),
    });
    const pictures = [picture(32, 0), picture(40, 4)];
    const split = { name: "two", count: 2, read: async (i: number) => pictures[i]! };
    const told: number[] = [];
    const tokens = await frozenTokens({ model, codec, captions }, split, (done) => told.push(done));
    scope(() => {
      const [first, second] = [tokens.select(0, 0), tokens.select(0, 1)];
      expect(first.sub(second).abs().flatten().amax([0]).item()).toBeLessThan(1e-5);
      expect(first.mean(1).abs().amax([0]).item()).toBeLessThan(1e-5);
      expect(first.square().mean(1).sub(1).abs().amax([0]).item()).toBeLessThan(1e-3);
    });
    expect(told).toEqual([2]);
    tokens.dispose();
    model.dispose();
  });

  it("say what they take, and how many would fit", () => {
    expect(tokenBytes(tinyConfig, 10)).toBe(10 * 16 * 32 * 4);
    requireRoom(tinyConfig, 10, 20480);
    expect(() => requireRoom(tinyConfig, 11, 20480)).toThrow(/tokens of 11 pictures.*at most 10 fit/);
  });
});
