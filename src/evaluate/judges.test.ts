import { copyFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import recorded from "../../test/fixtures/evaluate/drawings.json" with { type: "json" };
import { copyWithJson, fixtureFolder, relativeError, removeCopies } from "../../test/frozen-folders.js";
import type { Picture } from "../formats/images.js";
import { type PicturePreparation, readPreparation } from "../models/frozen/preprocessing.js";
import { stateFile } from "../nn/index.js";
import { cat, liveTensorCount, type Tensor } from "../tensor/index.js";
import { judgePixels } from "./judge-pixels.js";
import { clipJudge, dinoJudge } from "./judges.js";

const expected = stateFile("test/fixtures/evaluate/judges.safetensors");
const sizes = ["37x29", "29x41", "64x64", "16x16"] as const;
const pictures: Picture[] = sizes.map((size) => {
  const [width, height] = size.split("x").map(Number) as [number, number];
  return { width, height, data: expected.read(`picture.${size}`).toBytes() };
});
const ofAll = (what: string): Tensor =>
  cat(
    sizes.map((size) => expected.read(`${what}${size}`)),
    0,
  );

const clip = "test/fixtures/tiny-parts/clip";
const clipPreparation = readPreparation(clip);
const dinoPreparation: PicturePreparation = {
  shortestEdge: 50,
  resample: "bicubic",
  cropSize: 42,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

const folder = mkdtempSync(join(tmpdir(), "dream-judges-"));
cpSync(fixtureFolder("dino", "plain"), folder, { recursive: true });
const { mean, std } = dinoPreparation;
copyFileSync(join(clip, "preprocessor_config.json"), join(folder, "preprocessor_config.json"));
const dino = copyWithJson(folder, "preprocessor_config.json", (file) => ({
  ...file,
  image_processor_type: "BitImageProcessor",
  size: { shortest_edge: 50 },
  crop_size: { height: 42, width: 42 },
  image_mean: mean,
  image_std: std,
}));
afterAll(() => {
  removeCopies();
  rmSync(folder, { recursive: true });
});

describe("pictures as a judge sees them", () => {
  it.each<[string, PicturePreparation]>([
    ["clip", clipPreparation],
    ["smaller-crop", { ...clipPreparation, shortestEdge: 23, cropSize: 16, resample: "bilinear" }],
    ["dino", dinoPreparation],
  ])("are the very numbers of transformers' processor: %s", (name, preparation) => {
    const got = judgePixels(pictures, preparation);
    const wanted = ofAll(`${name}.picture.`);
    expect(got.shape).toEqual(wanted.shape);
    expect(got.sub(wanted).abs().amax().item()).toBeLessThan(1e-6);
  });

  it("keep their size where they are not resized, and are refused where less is there than is cut out", () => {
    const asTheyAre = { ...clipPreparation, shortestEdge: null, cropSize: null };
    expect(judgePixels([pictures[0]!], asTheyAre).shape).toEqual([1, 3, 29, 37]);
    expect(() => judgePixels([pictures[3]!], { ...asTheyAre, cropSize: 20 })).toThrow(
      /expected pictures of 20 x 20 or more, .*got 16 x 16/,
    );
  });
});

describe("judges from their folders", () => {
  it("CLIP has the features and cosines that transformers computes", () => {
    const judge = clipJudge("tiny", clip);
    expect(relativeError(judge.features(pictures), ofAll("features.picture."))).toBeLessThan(1e-5);
    const cosines = judge.scores(pictures, recorded.captions);
    for (const [i, cosine] of cosines.entries()) expect(cosine).toBeCloseTo(recorded.cosines[i]!, 5);
    // More pairs than it sees at a time, each with its own caption.
    const many = Array.from({ length: 70 }, (_, i) => i % 4);
    const again = judge.scores(
      many.map((i) => pictures[i]!),
      many.map((i) => recorded.captions[i]!),
    );
    for (const [place, cosine] of again.entries()) expect(cosine).toBeCloseTo(cosines[place % 4]!, 6);
    expect(judge.name).toBe("tiny");
  });

  it("DINOv2 has the class tokens that transformers computes", () => {
    const judge = dinoJudge("tiny", dino);
    expect(relativeError(judge.features(pictures), ofAll("class.picture."))).toBeLessThan(1e-5);
  });

  it("leave nothing behind", () => {
    const judge = clipJudge("tiny", clip);
    const before = liveTensorCount();
    judge.scores(pictures, recorded.captions);
    judge.features(pictures).dispose();
    expect(liveTensorCount()).toBe(before);
  });

  it("say what a folder lacks", () => {
    expect(() => dinoJudge("bare", fixtureFolder("dino", "plain"))).toThrow(/preprocessor_config.json/);
    expect(() => clipJudge("bare", fixtureFolder("clip", "quick"))).toThrow(/vocab.json|tokenizer.json/);
  });
});
