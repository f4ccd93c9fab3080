/** @file What each part of the training is for: without it, a minute or two do not teach its half. */
import { beforeAll, describe, expect, it } from "vitest";
import type { SceneData } from "../src/recipe/scenes-data.js";
import { record } from "./diary.js";
import { heldOutCount, learningData, trained } from "./learning.js";

let data: SceneData;
beforeAll(async () => {
  data = await learningData();
});

describe("training", () => {
  const chance = 1 / heldOutCount;

  it("from the paper's start does not find out what hidden tokens continue", () => {
    const { generative, continuing } = trained(data, { spatialStart: { kind: "random" } }, 150);
    record("learning from the paper's start", { generative, continuing });
    expect(continuing).toBeGreaterThan(0.85 * generative);
  });

  it("without the contrastive loss teaches nothing of captions", () => {
    const after = trained(data, { lossWeights: { generative: 1, contrastive: 0 } }, 100);
    record("learning without the contrastive loss", { ...after });
    expect(after.generative).toBeLessThan(0.8);
    expect(Math.max(after.imageToText, after.textToImage)).toBeLessThan(6 * chance);
  });

  it("without the generative loss teaches nothing of drawing", () => {
    const after = trained(data, { lossWeights: { generative: 0, contrastive: 0.05 } }, 150);
    record("learning without the generative loss", { ...after });
    expect(Math.max(after.imageToText, after.textToImage)).toBeGreaterThan(12 * chance);
    expect(after.generative).toBeGreaterThan(0.9);
  });
});
