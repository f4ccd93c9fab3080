import { describe, expect, it } from "vitest";
import { countedProducts } from "../../test/counted-products.js";
import { tinyConfig, tinyGroup, tinyModel } from "../../test/tiny.js";
import { type DreamConfig, paperConfig } from "../models/dream/config.js";
import { type Recipe, readRecipe } from "../recipe/recipe.js";
import { Generator, scope } from "../tensor/index.js";
import { Trainer } from "../train/trainer.js";
import {
  type ForwardFlops,
  forwardFlops,
  maskedStepFlops,
  type PartFlops,
  pictureFlops,
  stepFlops,
} from "./flops.js";

/** The products of one forward pass of a tiny model, without those of the contrastive loss, and the places that its text tower read. */
function countedForward(config: DreamConfig, hidden: number, batch: number) {
  const model = tinyModel(config);
  const group = tinyGroup(batch, hidden, 3);
  const draws = model.drawDiffusion(group, Generator.fromSeed(4));
  const all = countedProducts(() => scope(() => void model.losses([group], [draws])));
  const textTokens = scope(() => group.captionIds.argmax(1).amax().item()) + 1;
  model.dispose();
  return { flops: all - logits(config, batch), textTokens };
}

const logits = ({ joint }: DreamConfig, batch: number): number => 2 * batch * batch * joint.width;

const sum = (parts: ForwardFlops): number =>
  Object.values(parts).reduce((all, { blocks, around }: PartFlops) => all + blocks + around, 0);

/** The products that a trainer asks for in one step: forward, and what it computes again. */
function countedStep(recipe: Recipe, model: DreamConfig): number {
  const trainer = new Trainer(tinyModel(model), { ...recipe, precision: "float32" }, 1);
  const { latents, captionIds, captions } = tinyGroup(recipe.batchSize, 8, 3);
  const ids = captionIds.mul(0).add(1);
  // The end token stands last, so that nothing is cut.
  ids.narrow(1, ids.size(1) - 1, 1).fill_(2);
  const batch = { latents, captionIds: ids, captions };
  const all = countedProducts(
    () => void trainer.step(batch, captions.narrow(0, 0, 1), { step: 0, epoch: 0 }),
  );
  trainer.dispose();
  return all - logits(model, recipe.batchSize);
}

describe("the arithmetic of a step, on paper", () => {
  it("is what a forward pass asks the engine for, whatever is hidden", () => {
    for (const hidden of [8, 11, 16]) {
      const { flops, textTokens } = countedForward(tinyConfig, hidden, 3);
      expect(flops).toBe(3 * sum(forwardFlops(tinyConfig, hidden, textTokens)));
    }
  });

  it("leaves out what the gate leaves out", () => {
    const recipe = { ...readRecipe("dream-b"), model: tinyConfig };
    for (const hidden of [0, 7]) {
      const { flops, textTokens } = countedForward(tinyConfig, hidden, 2);
      expect(flops).toBe(2 * pictureFlops(recipe, hidden, textTokens).forward);
    }
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
      const { flops, textTokens } = countedForward(config, 9, 2);
      expect(flops, image.kind).toBe(2 * sum(forwardFlops(config, 9, textTokens)));
    }
  });

  it("has 17.6 billion multiplications for a ViT-B/16 at 224 pixels, its classifier apart", () => {
    const vision: DreamConfig = {
      ...paperConfig("base"),
      latent: { side: 14, channels: 768, patch: 1 },
      bufferTokens: 1,
    };
    const { blocks, around } = forwardFlops(vision, 0, 77).encoder;
    expect((blocks + around) / 2 / 1e9).toBeCloseTo(17.56, 2);
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

  it("is what a trainer's step asks for, in rounds and with activations computed again", () => {
    const masking = { kind: "uniform", minimum: 0.75, maximum: 0.75 } as const;
    const recipe = { ...readRecipe("dream-b"), model: tinyConfig, masking, batchSize: 8, maskGroups: 4 };
    for (const accumulation of [1, 2, 4])
      for (const activations of ["kept", "recomputed"] as const) {
        const sparing = { ...recipe, accumulation, activations };
        const { forward, backward } = pictureFlops(sparing, 12, 8);
        const twice = 2 * sum(forwardFlops(tinyConfig, 12, 8));
        const counted = countedStep(sparing, tinyConfig);
        expect(counted, `${accumulation} ${activations}`).toBe(8 * (forward + backward - twice));
      }
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

describe("a process's part of a step", () => {
  it("is what its pictures cost, gated groups less", () => {
    const recipe = readRecipe("dream-b");
    const context = recipe.model.textTower.contextLength;
    const cost = (hidden: number): number => {
      const { forward, backward } = pictureFlops(recipe, hidden, context);
      return forward + backward;
    };
    const part = maskedStepFlops(recipe, 32);
    expect(part({ maskRatio: 0.75, generativeShare: 1 })).toBeCloseTo(64 * cost(192), -3);
    expect(part({ maskRatio: 0.25, generativeShare: 0 })).toBeCloseTo(64 * cost(64), -3);
    expect(part({ maskRatio: 0.75, generativeShare: 0.5 })).toBeLessThan(64 * cost(192));
  });
});
