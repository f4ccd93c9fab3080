import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { root } from "../../test/process.js";
import { type Recipe, readRecipe } from "../recipe/recipe.js";
import { checkMemory, sparingThatFits } from "./fitting.js";
import { alone, describeMemory, planMemory } from "./memory.js";

/** Trains some steps of different mask ratios in a process of its own, and tells the most that it took. */
const script = `
const { readFileSync } = require("node:fs");
const peak = () => 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
(async () => {
  const { engine, DreamModel, initialise, Trainer, readRecipe } = await import(process.argv[1] + "/dist/index.js");
  const recipe = { ...readRecipe("small-photos"), ...JSON.parse(process.argv[2]) };
  const { model: config, batchSize } = recipe;
  const model = new DreamModel(config);
  initialise(model, engine.Generator.fromSeed(1));
  const trainer = new Trainer(model, recipe, 2);
  for (const epoch of [1, 75, 37, 10, 60, 90, 20, 50]) engine.scope(() => {
    const latents = engine.randn([batchSize, config.latent.channels, config.latent.side, config.latent.side]);
    const ids = engine.randint(1, config.textTower.vocabulary, [batchSize, config.textTower.contextLength], { dtype: "int64" });
    trainer.step({ latents, captionIds: ids, captions: ids }, ids.narrow(0, 0, 1), { step: epoch, epoch });
  });
  console.log(peak());
})();`;

const inFloat32 = (name: string): Recipe => ({ ...readRecipe(name), precision: "float32" });

describe("the memory of training, on paper", () => {
  it("counts five numbers for each parameter, and grows with the batch", () => {
    const recipe = inFloat32("dream-b");
    const plan = planMemory(recipe, { ...alone, frozen: 1e9 });
    expect(plan.parameters).toBe(329_357_857);
    expect(plan.training).toBe(20 * plan.parameters);
    expect(plan.snapshot).toBe(16 * plan.parameters);
    expect(plan.total).toBe(plan.training + plan.activations + plan.engine + plan.snapshot + 1e9);
    const half = planMemory({ ...recipe, batchSize: recipe.batchSize / 2 });
    expect(half.activations).toBeCloseTo(plan.activations / 2, 0);
  });

  it.each([
    { batchSize: 32, accumulation: 1, activations: "kept" },
    { batchSize: 64, accumulation: 4, activations: "kept" },
    { batchSize: 64, accumulation: 1, activations: "recomputed" },
  ] as const)("is no less than real steps take, and not much more: %o", (sharing) => {
    const settings = { ...sharing, precision: "float32", maskGroups: 1 } as const;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script, root, JSON.stringify(settings)], {
      encoding: "utf8",
    });
    const measured = Number(stdout);
    expect(measured, stderr).toBeGreaterThan(1e8);
    const { total, snapshot } = planMemory({ ...readRecipe("small-photos"), ...settings });
    // These steps write no checkpoint.
    expect(measured).toBeLessThan(1.05 * (total - snapshot));
    expect(measured).toBeGreaterThan(0.6 * (total - snapshot));
  });

  it("is shared by processes and by rounds, and holds gradients twice where both share it", () => {
    const recipe = inFloat32("dream-b");
    const [one, eight] = [planMemory(recipe), planMemory(recipe, { ...alone, processes: 8 })];
    expect(eight.activations).toBeCloseTo(one.activations / 8, 0);
    const inRounds = { ...recipe, accumulation: 8 };
    expect(planMemory(inRounds).activations).toBeCloseTo(eight.activations, 0);
    const both = planMemory(inRounds, { ...alone, processes: 8 });
    expect([one, eight, planMemory(inRounds), both].map(({ buckets }) => buckets)).toEqual([
      0,
      0,
      0,
      4 * one.parameters,
    ]);
  });

  it("halves what products read in bfloat16, beside a copy of the weights", () => {
    const [long, short] = [planMemory(inFloat32("dream-b")), planMemory(readRecipe("dream-b"))];
    expect(short.casts).toBe(2 * short.parameters);
    expect(short.activations / long.activations).toBeGreaterThan(0.5);
    expect(short.activations / long.activations).toBeLessThan(0.65);
  });

  it("keeps the blocks' inputs where the rest is computed again", () => {
    const recipe = readRecipe("dream-l");
    const recomputed = planMemory({ ...recipe, activations: "recomputed" });
    expect(recomputed.activations / planMemory(recipe).activations).toBeLessThan(0.35);
  });

  it("writes down no attention on CUDA but dropout's choices, and leaves snapshots to the host", () => {
    const recipe = readRecipe("dream-l");
    const still = { ...recipe, model: { ...recipe.model, dropout: { attention: 0, projection: 0 } } };
    const [without, written] = [
      planMemory(still, { ...alone, device: "cuda" }),
      planMemory(still, { ...alone, device: "cpu" }),
    ];
    expect(without.activations).toBeLessThan(0.9 * written.activations);
    const cuda = planMemory(recipe, { processes: 32, device: "cuda", frozen: 0 });
    expect(cuda.activations).toBeGreaterThan(without.activations / 32);
    expect(cuda.total).toBe(cuda.training + cuda.casts + cuda.buckets + cuda.activations + cuda.engine);
  });

  it("tells its parts in a sentence", () => {
    expect(describeMemory(planMemory(inFloat32("dream-b")))).toMatch(
      /^329\.4M parameters: 6\.6 GB for weights, gradients, moments and averages, up to .* 5\.3 GB for the copy that checkpoints are written from/,
    );
  });
});

describe("a machine that is too small", () => {
  const recipe = inFloat32("dream-b");

  it("is told what would fit, and that fits", () => {
    expect(() => checkMemory(recipe, alone, planMemory(recipe).total)).not.toThrow();
    for (const available of [300e9, 64e9, 16e9]) {
      const sparing = sparingThatFits(recipe, alone, available)!;
      expect(planMemory({ ...recipe, ...sparing }).total).toBeLessThanOrEqual(available);
      expect(() => checkMemory(recipe, alone, available)).toThrow(
        new RegExp(`accumulation: ${sparing.accumulation}\\b.* would fit, with the same steps`, "i"),
      );
    }
  });

  it("recomputes only where rounds of eight pictures are too large", () => {
    expect(sparingThatFits(recipe, alone, 64e9)?.activations).toBe("kept");
    expect(sparingThatFits(recipe, alone, 15e9)?.activations).toBe("recomputed");
  });

  it("is refused where nothing would fit", () => {
    expect(sparingThatFits(recipe, alone, 4e9)).toBeNull();
    expect(() => checkMemory(recipe, alone, 4e9)).toThrow(/even a picture at a time does not fit/i);
  });
});
