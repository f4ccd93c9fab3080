import { describe, expect, it } from "vitest";
import { readRecipe } from "../recipe/recipe.js";
import { parameterCounts, planCommunication } from "./communication.js";

describe("what processes tell one another, on paper", () => {
  const recipe = readRecipe("dream-b");

  it("is nothing where there is one", () => {
    expect(planCommunication(recipe, 1)).toEqual({
      gradients: 0,
      features: 0,
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

  it("gathers what every sample brings to the joint space", () => {
    const { features, total, gradients, metrics } = planCommunication(recipe, 32);
    expect(features).toBe((31 / 32) * 4 * 2048 * (768 + 512));
    expect(total).toBe(gradients + features + metrics);
    expect(features / gradients).toBeLessThan(0.01);
  });

  it("gathers nothing where nothing contrasts", () => {
    const model = { ...recipe.model, lossWeights: { generative: 1, contrastive: 0 } };
    expect(planCommunication({ ...recipe, model }, 32).features).toBe(0);
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
