/** @file Flags of drawing: what they leave open is the preset's or the model's, and none is ignored. */
import { describe, expect, test } from "vitest";
import { DreamError } from "../errors.js";
import { presets } from "../generate/presets.js";
import { type DrawingFlags, settledBy } from "./drawing-options.js";

const trained = {
  drawing: {
    steps: 16,
    guidance: { kind: "linear", scale: 3 },
    temperature: 0.9,
    candidates: 5,
    selectAt: 0.25,
  },
} as const;
const none: DrawingFlags = { selection: "once", precision: "float32", device: "cpu" };

test("what is not given is the model's, then the preset's, and a flag counts before both", () => {
  expect(settledBy(none, trained).sampling).toMatchObject({ steps: 16, guidanceEvery: 1, temperature: 0.9 });
  expect(settledBy(none, trained).choice).toEqual({ kind: "aligned", candidates: 5, atFraction: 0.25 });
  const balanced = settledBy({ ...none, preset: "balanced", steps: 20 }, trained).sampling;
  expect(balanced).toMatchObject({ steps: 20, tokens: presets.balanced.tokens });
  const other = settledBy({ ...none, preset: "balanced", sampler: "ddim" }, trained).sampling;
  expect(other.tokens).toEqual({ ...presets.balanced.tokens, method: "ddim" });
  expect(settledBy({ ...none, preset: "fast", temperature: 0.5 }, trained).sampling.temperature).toBe(0.5);
});

describe("a flag that would be ignored is refused", () => {
  const refusal = (flags: Partial<DrawingFlags>): string => {
    const all = { ...none, ...flags };
    try {
      settledBy(all, trained);
    } catch (error) {
      if (error instanceof DreamError) return error.message;
      throw error;
    }
    return "none";
  };

  test.each<[string, Partial<DrawingFlags>]>([
    ["--separation", { separation: 0.1 }],
    ["--select-at", { selection: "halving", selectAt: 0.2 }],
    ["--select-at", { candidates: 1, selectAt: 0.2 }],
    ["--selection halving", { candidates: 1, selection: "halving" }],
    ["--temperature", { sampler: "ddim", temperature: 0.5 }],
    ["--negative", { cfgScale: 1, negative: "a cross" }],
    ["--guidance-every", { cfgScale: 1, guidanceEvery: 2 }],
  ])("%s beside %j", (flag, flags) => {
    expect(refusal(flags)).toMatch(new RegExp(`${flag}\\b.*expected it beside`, "s"));
  });

  test("and beside what reads it, it is not", () => {
    expect(refusal({ selection: "halving", separation: 0.1 })).toBe("none");
    expect(refusal({ sampler: "ancestral", temperature: 0.5 })).toBe("none");
    expect(refusal({ negative: "a cross", guidanceEvery: 2 })).toBe("none");
    expect(refusal({ cfgScale: 0, negative: "a cross" })).toBe("none");
    // Only what was typed: the preset's own steps of guidance are no flag.
    expect(refusal({ preset: "balanced", cfgScale: 1 })).toBe("none");
  });
});
