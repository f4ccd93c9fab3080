import { describe, expect, it } from "vitest";
import { stepsOf } from "../recipe/recipe.js";
import { comparisonNames, readComparison } from "./comparison.js";

describe("the comparisons that come with the package", () => {
  it.each(comparisonNames())(
    "%s is whole: every name is known, and all systems are trained alike",
    (name) => {
      const { systems, claims } = readComparison(name);
      expect(systems.length).toBeGreaterThan(1);
      expect(claims.length).toBeGreaterThan(0);
    },
  );

  it("miniature trains each of its systems for the 2,000 steps that its recipe tells of", () => {
    for (const { name, recipe } of readComparison("miniature").systems)
      expect(stepsOf(recipe, recipe.data.train), name).toBe(2000);
  });
});
