import { describe, expect, it } from "vitest";
import { countedProducts } from "../../test/counted-products.js";
import { tinyConfig, tinyGroup, tinyModel } from "../../test/tiny.js";
import { type DreamConfig, paperConfig } from "../models/dream/config.js";
import { readRecipe } from "../recipe/recipe.js";
import { Generator, scope } from "../tensor/index.js";
import { forwardFlops, pictureFlops, stepFlops } from "./flops.js";

/** The products of one forward pass of a tiny model, without those of the contrastive loss. */
function countedForward(config: DreamConfig, hidden: number, batch: number): number {
  const model = tinyModel(config);
  const group = tinyGroup(batch, hidden, 3);
  const draws = model.drawDiffusion(group, Generator.fromSeed(4));
  const all = countedProducts(() => scope(() => void model.losses([group], [draws])));
  model.dispose();
  return all - 2 * batch * batch * config.joint.width;
}

const sum = (parts: object): number =>
  Object.values(parts).reduce((all: number, one: number) => all + one, 0);

describe("the arithmetic of a step, on paper", () => {
  it("is what a forward pass asks the engine for, whatever is hidden", () => {
    for (const hidden of [8, 11, 16])
      expect(countedForward(tinyConfig, hidden, 3)).toBe(3 * sum(forwardFlops(tinyConfig, hidden, 8)));
  });

  it("leaves out what the gate leaves out", () => {
    const recipe = { ...readRecipe("dream-b"), model: tinyConfig };
    for (const hidden of [0, 7])
      expect(countedForward(tinyConfig, hidden, 2)).toBe(2 * pictureFlops(recipe, hidden, 8).forward);
    expect(pictureFlops(recipe, 8, 8).forward).toBe(sum(forwardFlops(tinyConfig, 8, 8)));
  });

  it("counts every kind of projection, and the velocity head's narrower end", () => {
    const { joint } = tinyConfig;
    const images = [
      { kind: "linear" },
      { kind: "post-linear" },
      { kind: "mlp", hiddenWidth: 24 },
      { kind: "batch-norm", hiddenWidth: 24 },
    ] as const;
    for (const image of images) {
      const config: DreamConfig = {
        ...tinyConfig,
        diffusion: { kind: "velocity", steps: 4 },
        joint: { ...joint, image, text: { kind: "mlp", hiddenWidth: 28 } },
      };
      expect(countedForward(config, 9, 2), image.kind).toBe(2 * sum(forwardFlops(config, 9, 8)));
    }
  });

  it("has 17.6 billion multiplications for a ViT-B/16 at 224 pixels, its classifier apart", () => {
    const vision: DreamConfig = {
      ...paperConfig("base"),
      latent: { side: 14, channels: 768, patch: 1 },
      bufferTokens: 1,
    };
    expect(forwardFlops(vision, 0, 77).encoder / 2 / 1e9).toBeCloseTo(17.56, 2);
  });

  it("is three forward passes, and four where activations are computed again", () => {
    const recipe = readRecipe("dream-l");
    const kept = stepFlops(recipe, 77);
    expect(kept.backward).toBe(2 * kept.forward);
    const recomputed = stepFlops({ ...recipe, activations: "recomputed" }, 77);
    expect(recomputed.forward).toBe(kept.forward);
    expect(recomputed.total / kept.total).toBeGreaterThan(1.25);
    expect(recomputed.total / kept.total).toBeLessThan(4 / 3);
    expect(kept.total).toBe(kept.forward + kept.backward);
  });

  it("counts Muon's steps where a recipe has it", () => {
    const recipe = readRecipe("scenes-nano");
    const { optimiser } = stepFlops(recipe, 20);
    // The log's count of the same recipe.
    expect(optimiser / 1e9).toBeGreaterThan(6);
    expect(optimiser / 1e9).toBeLessThan(12);
    expect(stepFlops({ ...recipe, optimiser: { ...recipe.optimiser, muon: null } }, 20).optimiser).toBe(0);
  });
});
