import { describe, expect, it } from "vitest";
import { parseRecipe, readRecipe, recipeHash, recipeNames } from "./recipe.js";

describe("recipes", () => {
  it.each(recipeNames())("%s is whole", (name) => {
    expect(readRecipe(name).name).toBe(name);
  });

  it("have a hash of their content, whatever its order", () => {
    const recipe = readRecipe("scenes-nano");
    const turned = Object.fromEntries(Object.entries(recipe).reverse()) as typeof recipe;
    expect(recipeHash(turned)).toBe(recipeHash(recipe));
    expect(recipeHash({ ...recipe, seed: recipe.seed + 1 })).not.toBe(recipeHash(recipe));
  });

  it("are refused with the path of every mistake", () => {
    const { masking: _, ...rest } = readRecipe("scenes-nano");
    const wrong = { ...rest, batchSize: -1, colour: "red" };
    expect(() => parseRecipe(wrong, "mine.yaml")).toThrow(
      /mine\.yaml[\s\S]*colour[\s\S]*batchSize[\s\S]*masking/,
    );
    expect(() => readRecipe("scenes-nan")).toThrow(/Did you mean "scenes-nano"/);
  });
});
