import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { root } from "../../test/process.js";
import { readRecipe } from "../recipe/recipe.js";
import { checkMemory, describeMemory, planMemory } from "./memory.js";

/** Trains some steps of different mask ratios in a process of its own, and tells the most that it took. */
const script = `
const { readFileSync } = require("node:fs");
const peak = () => 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
(async () => {
  const { engine, Dream, initialise, Trainer, readRecipe } = await import(process.argv[1] + "/dist/index.js");
  const recipe = { ...readRecipe("small-photos"), batchSize: 32, precision: "float32", maskGroups: 1 };
  const { model: config, batchSize } = recipe;
  const model = new Dream(config);
  initialise(model, engine.Generator.fromSeed(1));
  const trainer = new Trainer(model, recipe, engine.Generator.fromSeed(2));
  for (const epoch of [1, 75, 37, 10, 60, 90, 20, 50]) engine.scope(() => {
    const latents = engine.randn([batchSize, config.latent.channels, config.latent.side, config.latent.side]);
    const ids = engine.randint(1, config.textTower.vocabulary, [batchSize, config.textTower.contextLength], { dtype: "int64" });
    trainer.step({ latents, captionIds: ids, captions: ids }, ids.narrow(0, 0, 1), epoch);
  });
  console.log(peak());
})();`;

describe("the memory of training, on paper", () => {
  it("counts five numbers for each parameter, and grows with the batch", () => {
    const recipe = readRecipe("dream-b");
    const plan = planMemory(recipe, 1e9);
    expect(plan.parameters).toBe(329_357_857);
    expect(plan.training).toBe(20 * plan.parameters);
    expect(plan.total).toBe(plan.training + plan.activations + plan.engine + 1e9);
    const half = planMemory({ ...recipe, batchSize: recipe.batchSize / 2 }, 0);
    expect(half.activations).toBeCloseTo(plan.activations / 2, 0);
  });

  it("is no less than a real step takes, and not much more", () => {
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script, root], { encoding: "utf8" });
    const measured = Number(stdout);
    expect(measured, stderr).toBeGreaterThan(1e8);
    const { total } = planMemory({ ...readRecipe("small-photos"), batchSize: 32 }, 0);
    expect(measured).toBeLessThan(1.05 * total);
    expect(measured).toBeGreaterThan(0.6 * total);
  });

  it("refuses a machine that is too small, and says what would fit", () => {
    const recipe = readRecipe("dream-b");
    const plan = planMemory(recipe, 0);
    expect(describeMemory(plan)).toMatch(/^329\.4M parameters: 6\.6 GB for weights/);
    expect(() => checkMemory(plan, plan.total, recipe.batchSize)).not.toThrow();
    expect(() => checkMemory(plan, 64e9, recipe.batchSize)).toThrow(/batchSize of at most \d+ would fit/);
    expect(() => checkMemory(plan, 4e9, recipe.batchSize)).toThrow(/even a batch of one does not fit/i);
  });
});
