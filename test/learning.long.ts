/** @file What the decoder's start is for: without neighbours to begin with, two minutes of training do not teach how tokens go on. */
import { expect, it } from "vitest";
import { record } from "./diary.js";
import { learningData, trained } from "./learning.js";

it("from the paper's start does not find out what hidden tokens continue", async () => {
  const { generative, continuing } = trained(await learningData(), { spatialStart: { kind: "random" } }, 150);
  record("learning from the paper's start", { generative, continuing });
  expect(continuing).toBeGreaterThan(0.85 * generative);
});
