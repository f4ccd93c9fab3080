import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { paperConfig } from "../models/dream/config.js";
import { paperMasking } from "../models/dream/masking.js";
import { parseRecipe, readRecipe, recipeHash, recipeNames, recipeOf, stepsOf, stretched } from "./recipe.js";

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

  it("of the paper are its sizes and settings", () => {
    for (const [letter, size] of Object.entries({ b: "base", l: "large", h: "huge", g: "giant" } as const)) {
      const recipe = readRecipe(`dream-${letter}`);
      expect(recipe.name).toBe(`dream-${letter}`);
      expect(recipe.model).toEqual(paperConfig(size));
      expect(recipe.masking).toEqual(paperMasking);
      expect(recipe.learningRate.peak).toBeCloseTo((1e-4 * recipe.batchSize) / 256, 12);
    }
  });

  it("take what they do not say from the one that they extend", () => {
    const path = join(mkdtempSync(join(tmpdir(), "dream-recipe-")), "mine.yaml");
    writeFileSync(
      path,
      "extends: dream-b\nname: mine\ncodec: { kind: patches, patch: 8, components: 4, whitening: 1 }\nmodel: { head: { depth: 2 } }\n",
    );
    const [mine, base] = [readRecipe(path), readRecipe("dream-b")];
    expect(mine.codec).toEqual({ kind: "patches", patch: 8, components: 4, whitening: 1 });
    expect(mine.model).toEqual({ ...base.model, head: { ...base.model.head, depth: 2 } });
    expect(mine.optimiser).toEqual(base.optimiser);
    writeFileSync(path, "extends: dream-x\n");
    expect(() => readRecipe(path)).toThrow(/Did you mean "dream-/);
  });

  it("stretch every schedule with the number of steps", () => {
    const recipe = recipeOf("scenes", readRecipe("scenes-nano"));
    const short = stretched(recipe, recipe.data.train, 60);
    expect(stepsOf(recipe, recipe.data.train)).toBe(1000);
    expect(short.learningRate.totalEpochs / recipe.learningRate.totalEpochs).toBeCloseTo(
      60 / (5.35 * 187),
      10,
    );
    // A thousand steps are 5.3476 epochs of 187: what was rounded once must not grow with the stretching.
    for (const steps of [1, 60, 999, 3000, 123_456])
      expect(stepsOf(stretched(recipe, recipe.data.train, steps), recipe.data.train)).toBe(steps);
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
