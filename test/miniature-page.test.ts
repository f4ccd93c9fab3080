import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readComparison } from "../src/compare/comparison.js";
import { findingsOf } from "../src/compare/findings.js";
import { findingsMarkdown } from "../src/compare/markdown.js";
import { readResults } from "../src/compare/results.js";
import { seeded } from "../src/compare/system-run.js";
import { recipeHash } from "../src/recipe/recipe.js";
import { root } from "./process.js";

const comparison = readComparison("miniature");
const results = readResults(join(root, "docs", "miniature"));

describe("the page on the miniature", () => {
  it("begins with what its results say", () => {
    const page = readFileSync(join(root, "docs", "miniature.md"), "utf8");
    const findings = findingsMarkdown(findingsOf(comparison, results));
    expect(page.slice(0, findings.length)).toBe(findings);
  });

  it("has results of the recipes as they are, every system's first seed among them", () => {
    for (const { system, seed, recipeHash: hash } of results) {
      const known = comparison.systems.find(({ name }) => name === system);
      expect(known, system).toBeDefined();
      expect(hash, `${system}-${seed}`).toBe(recipeHash(seeded(known!, seed)));
    }
    const first = results.filter(({ seed }) => seed === 1).map(({ system }) => system);
    const measured = comparison.systems.map(({ name }) => name);
    expect(first.sort()).toEqual(measured.sort());
  });
});
