import { describe, expect, it } from "vitest";
import { readRecipe } from "../recipe/recipe.js";
import { frozenBytes, planInput } from "./input.js";
import { type PlanFor, planRun } from "./run-plan.js";

const cluster: PlanFor = {
  placement: { processes: 32, device: "cuda", frozen: 0 },
  speed: { rate: 6e14, efficiency: 0.5, bandwidth: 5e10 },
  available: 80e9,
  samples: 11_000_000,
};

describe("a whole run on paper", () => {
  const recipe = readRecipe("dream-l");

  it("fits the paper's 32 devices of 80 GB", () => {
    const plan = planRun(recipe, cluster);
    expect(plan.verdict).toEqual({ fits: true });
    expect(plan.parameters.total).toBe(635_989_793);
    expect(plan.time.imagesPerSecond).toBe(plan.input?.imagesPerSecond);
    // The recipe's header says as many.
    expect(Math.round(plan.time.steps / 1000)).toBe(258);
  });

  it("says what to change where it does not fit, and nothing where memory is unknown", () => {
    const plan = planRun(recipe, { ...cluster, available: 40e9 });
    expect(plan.verdict).toMatchObject({
      fits: false,
      advice: expect.stringMatching(/^accumulation: \d+ would/),
    });
    expect(planRun(recipe, { ...cluster, available: null }).verdict).toBeNull();
  });

  it("refuses devices that cannot share the work equally", () => {
    const placement = { ...cluster.placement, processes: 5 };
    expect(() => planRun(recipe, { ...cluster, placement })).toThrow(/maskGroups 32, 5 processes/);
  });

  it("feeds no pictures to scenes", () => {
    const placement = { ...cluster.placement, processes: 1 };
    expect(planRun(readRecipe("scenes-nano"), { ...cluster, placement }).input).toBeNull();
  });
});

describe("what training must be fed", () => {
  it("is a cache's row for each picture, as a cache of full size had them", () => {
    const { cache, decodingCores } = planInput(readRecipe("dream-l"), 1000, 10);
    expect(cache).toEqual({ bytesPerSample: 295_245, bytes: 2_952_450, bytesPerSecond: 295_245_000 });
    expect(decodingCores).toBeCloseTo(1000 / 342.5, 1);
  });

  it("cannot be cached where crops are drawn at every step", () => {
    const { data, ...rest } = readRecipe("small-photos");
    const crop = { kind: "random-resized", scale: [0.5, 1], ratio: [0.75, 1.3] } as const;
    expect(planInput({ ...rest, data: { ...data, crop } as typeof data }, 1, 1).cache).toBeNull();
  });

  it("knows the frozen models of the paper's recipes, and no others", () => {
    const recipe = readRecipe("dream-l");
    const single = { ...recipe, precision: "float32" } as const;
    expect(frozenBytes(single)).toBe(2 * frozenBytes(recipe)!);
    expect(frozenBytes(readRecipe("scenes-nano"))).toBe(0);
    expect(frozenBytes({ ...recipe, codec: { kind: "vae", model: "elsewhere", scale: 1 } })).toBeNull();
  });
});
