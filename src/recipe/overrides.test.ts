import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DreamError } from "../errors.js";
import { overridden } from "./overrides.js";
import { type Recipe, readRecipe, recipeHash, recipeNames } from "./recipe.js";

const recipe = readRecipe("dream-b");

/** Every entry that is a number, by its path. */
function numbersOf(value: unknown, prefix = ""): [string, number][] {
  if (typeof value === "number") return [[prefix.slice(0, -1), value]];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, one]) => numbersOf(one, `${prefix}${name}.`));
}

const at = (value: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((one, name) => (one as Record<string, unknown>)[name], value);

function overriddenOrError(one: Recipe, setting: string): Recipe | unknown {
  try {
    return overridden(one, [setting]);
  } catch (error) {
    return error;
  }
}

describe("settings in a recipe's place", () => {
  it("replace what they name, and nothing else", () => {
    const set = overridden(recipe, [
      "optimiser.weightDecay=0.1",
      "learningRate.peak=2e-4",
      "masking={kind: uniform, minimum: 0.25, maximum: 1}",
      "masking.minimum=0.5",
      "samples={everySteps: 50, captions: [a = b, 'c, d']}",
      "precision=float32",
      "optimiser.betas=[0.9, 0.999]",
    ]);
    expect(set).toEqual({
      ...recipe,
      optimiser: { ...recipe.optimiser, weightDecay: 0.1, betas: [0.9, 0.999] },
      learningRate: { ...recipe.learningRate, peak: 2e-4 },
      masking: { kind: "uniform", minimum: 0.5, maximum: 1 },
      samples: { everySteps: 50, captions: ["a = b", "c, d"] },
      precision: "float32",
    } satisfies Recipe);
    expect(recipeHash(set)).not.toBe(recipeHash(recipe));
    expect(recipeHash(overridden(recipe, ["seed=0"]))).toBe(recipeHash(recipe));
  });

  it("change one number of any recipe, whichever it is", () => {
    const all = recipeNames().flatMap((name) => {
      const one = readRecipe(name);
      return numbersOf(one).map(([path, value]) => ({ one, path, value }));
    });
    fc.assert(
      fc.property(fc.constantFrom(...all), ({ one, path, value }) => {
        const wanted = Number.isInteger(value) ? value + 1 : value / 2;
        // Shares end at 1.
        const isRefused = overriddenOrError(one, `${path}=${wanted}`) instanceof DreamError;
        expect(isRefused).toBe(wanted > 1 && /maximum|whitening|captionDrop/.test(path));
        if (isRefused) return;
        const set = overridden(one, [`${path}=${wanted}`]);
        expect(at(set, path)).toBe(wanted);
        expect(numbersOf(set).filter(([name, now]) => at(one, name) !== now)).toEqual([[path, wanted]]);
      }),
      { numRuns: 300 },
    );
  });

  it("are refused by name, whatever is written", () => {
    const name = fc.oneof(
      fc.constantFrom("__proto__", "constructor", "kind", "masking", "length", ""),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(name, { maxLength: 3 }), fc.string(), (names, value) => {
        const before = JSON.stringify(recipe);
        const result = overriddenOrError(recipe, `${names.join(".")}=${value}`);
        expect(JSON.stringify(recipe)).toBe(before);
        if (result instanceof DreamError) expect(["usage", "unknown-name"]).toContain(result.code);
        else expect(numbersOf(result).map(([path]) => path)).toEqual(numbersOf(recipe).map(([path]) => path));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["optimiser.wieghtDecay=0.1", /Did you mean "optimiser\.weightDecay"\?/],
    ["weightDecay=0.1", /expected a known path \(optimiser\.weightDecay\).*got "weightDecay"/],
    ["optimiser.learningRate=2e-4", /expected a known path \(learningRate\)/],
    ["learningRate=2e-4", /set learningRate: .*expected object.*learningRate\.kind, learningRate\.peak/],
    ["masking.mean=0.5", /expected a known path .*got "masking\.mean"/],
    ["optimiser.muon.rate=1", /optimiser\.muon to be set as a whole.*optimiser\.muon: null/],
    ["optimiser.betas.0=0.5", /optimiser\.betas to be set as a whole/],
    ["optimiser.weightDecay=high", /set optimiser\.weightDecay: .*expected number, received string/],
    ["optimiser.weightDecay=-1", /set optimiser\.weightDecay: .*>=0/],
    ["batchSize=", /set batchSize: .*received null/],
    ["precision=float16", /set precision: .*"float32"\|"bfloat16"/],
    ["masking={kind: sometimes}", /set masking: masking\.kind: .*'never' \| 'uniform'/],
    ["masking={kind: uniform, minimum: 0}", /set masking: masking\.maximum: .*expected number/],
    ["masking.kind=never", /Unrecognized keys.*masking='\{kind: \.\.\.\}'/s],
    ["batchSize={a: ", /set batchSize: expected a value in YAML/],
    ["batchSize", /expected PATH=VALUE.*got "batchSize"/],
    ["=3", /expected PATH=VALUE/],
  ])("are refused with what is expected: %s", (setting, message) => {
    expect(() => overridden(recipe, [setting])).toThrow(message);
  });
});
