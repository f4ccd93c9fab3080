import { describe, expect, it } from "vitest";
import { readRecipe } from "../recipe/recipe.js";
import { parameterCounts, planCommunication } from "./communication.js";

describe("what processes tell one another, on paper", () => {
  const recipe = readRecipe("dream-b");

  it("is nothing where there is one", () => {
    expect(planCommunication(recipe, 1)).toEqual({
      gradients: 0,
      features: 0,
      statistics: 0,
      metrics: 0,
      total: 0,
      start: 0,
    });
  });

  it("is twice the gradients, but for each process's own part", () => {
    const { gradients, start } = planCommunication(recipe, 8);
    expect(gradients).toBe(2 * (7 / 8) * 4 * 329_357_857);
    expect(start).toBe(gradients / 2);
  });

  it("gathers two embeddings of 256 numbers for each of the batch's samples, and sums their gradients", () => {
    const { features, total, gradients, statistics, metrics } = planCommunication(recipe, 32);
    expect(features).toBe(3 * (31 / 32) * 4 * 2048 * 512);
    // Two layers of 1,024 features, a sum and a sum of squares each, there and back.
    expect(statistics).toBe(2 * 2 * (31 / 32) * 4 * 2 * 2048);
    expect(total).toBe(gradients + features + statistics + metrics);
    expect(features / gradients).toBeLessThan(0.01);
  });

  it("gathers nothing where nothing contrasts", () => {
    const model = { ...recipe.model, lossWeights: { generative: 1, contrastive: 0 } };
    const { features, statistics } = planCommunication({ ...recipe, model }, 32);
    expect([features, statistics]).toEqual([0, 0]);
  });

  it("counts parameters by part", () => {
    const { parts, total } = parameterCounts(recipe.model);
    expect(total).toBe(329_357_857);
    expect(Object.values(parts).reduce((sum, count) => sum + count, 0)).toBe(total);
    expect(Object.keys(parts)).toEqual([
      "encoder",
      "decoder",
      "textAligner",
      "textTower",
      "imageProjection",
      "logitScale",
      "diffusionHead",
    ]);
  });
});
