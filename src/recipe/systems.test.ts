/** @file The compared systems, each as its recipe has it: what conditions it, what it learns from, and that it trains. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtureFolder } from "../../test/frozen-folders.js";
import { DrawingPipeline } from "../drawing.js";
import type { JournalEntry } from "../train/journal.js";
import { localModel, type TrainedModel } from "./model-folder.js";
import { overridden } from "./overrides.js";
import { parseRecipe, type RecipeOf, readRecipe, recipeOf } from "./recipe.js";
import { runRecipe } from "./run.js";
import { prepareScenes } from "./scenes-data.js";

const folder = (): string => mkdtempSync(join(tmpdir(), "dream-test-"));

describe("the systems' recipes", () => {
  it.each([
    ["dream-l", { generative: 1, contrastive: 0.005 }, "warmup", "shared", null],
    ["clip", { generative: 0, contrastive: 1 }, "never", "shared", null],
    ["clip-masked", { generative: 0, contrastive: 1 }, "warmup", "shared", null],
    ["fluid", { generative: 1, contrastive: 0 }, "fixed", "shared", null],
    ["mar", { generative: 1, contrastive: 0 }, "fixed", "labels", null],
    ["repa", { generative: 1, contrastive: 0 }, "fixed", "shared", 8],
  ])("%s", (name, lossWeights, masking, classes, alignedBlock) => {
    const recipe = readRecipe(name);
    expect(recipe.model.lossWeights).toMatchObject(lossWeights);
    expect(recipe.masking.kind).toBe(masking);
    expect(recipe.model.classes.kind).toBe(classes);
    expect(recipe.model.alignment?.depth ?? null).toBe(alignedBlock);
    // The same network, data and steps for all of them.
    const { encoder, decoder, head, latent } = readRecipe("dream-l").model;
    expect(recipe.model).toMatchObject({ encoder, decoder, head, latent });
    expect([recipe.batchSize, recipe.epochs]).toEqual([2048, 48]);
  });
});

const test = recipeOf("scenes", readRecipe("scenes-test"));

/** Sixteen steps of a system of the test recipe's size. */
async function trained(changes: Record<string, unknown>, set: readonly string[] = []) {
  const recipe = recipeOf("scenes", overridden(parseRecipe({ ...test, ...changes }, "a test"), set));
  const run = folder();
  const data = await prepareScenes(recipe, join(run, "data"), { locate: localModel });
  const entries: JournalEntry[] = [];
  const { trainer } = await runRecipe(recipe, run, data, {
    onStart: () => {},
    onStep: (entry) => {
      entries.push(entry);
    },
    signal: new AbortController().signal,
  });
  const { model } = trainer;
  model.setMode("eval");
  return {
    recipe,
    data,
    entries,
    trainer,
    trained: { ...data, model, drawing: recipe.drawing } as TrainedModel,
  };
}

const short = ["data.train=64", "epochs=4", "learningRate.totalEpochs=4", "learningRate.warmupEpochs=1"];

describe("a model that classes condition", () => {
  let drawer: DrawingPipeline;

  beforeAll(async () => {
    const mar = await trained(
      {
        model: {
          ...test.model,
          lossWeights: { generative: 1, contrastive: 0 },
          classes: { kind: "labels", count: 540, dropProbability: 0.1 },
        },
        captionDrop: 1,
      },
      short,
    );
    drawer = new DrawingPipeline(mar.trained);
  }, 60_000);

  afterAll(() => drawer.dispose());

  const draw = (label: number, caption: string): string =>
    Buffer.from(
      drawer.draw([caption], { choice: { kind: "plain" }, seeds: [3], classes: [label] })[0]!.picture.data,
    ).toString("base64");

  it("draws what the class says, whatever the caption", () => {
    expect(draw(7, "a red circle")).toBe(draw(7, "a small blue square"));
    expect(draw(7, "a red circle")).not.toBe(draw(300, "a red circle"));
  });

  it("refuses captions alone, classes that it has not, choosing, and captions to lead away from", () => {
    const plain = { choice: { kind: "plain" }, seeds: [1] } as const;
    expect(() => drawer.draw(["a red circle"], plain)).toThrow("classes from 0 to 539");
    expect(() => drawer.draw([""], { ...plain, classes: [540] })).toThrow(/from 0 to 539.*540/s);
    expect(() => drawer.draw([""], { ...plain, classes: [1], negative: "a red circle" })).toThrow(
      "no negative caption",
    );
    const aligned = { kind: "aligned", candidates: 2, atFraction: 0.25 } as const;
    expect(() => drawer.draw([""], { seeds: [1], choice: aligned, classes: [1] })).toThrow("plain drawing");
  });
});

describe("a model that is aligned to DINOv2", () => {
  const alignment = { depth: 1, weight: 0.5, hiddenWidth: 32, targetWidth: 12 };
  const repa = {
    model: { ...test.model, lossWeights: { generative: 1, contrastive: 0 }, alignment },
    alignment: { encoder: fixtureFolder("dino", "plain") },
  } satisfies Partial<RecipeOf<"scenes">>;

  it("comes nearer to it", async () => {
    const { entries } = await trained(repa, [...short, "learningRate.peak=4e-3"]);
    const losses = entries.map(({ alignmentLoss }) => alignmentLoss!);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.05);
  }, 60_000);

  it.each([
    ["names no encoder", { ...repa, alignment: null }, "`alignment: { encoder: ... }`"],
    ["names one that it does not use", { alignment: repa.alignment }, "a model with `alignment`"],
    [
      "has another width",
      { ...repa, model: { ...repa.model, alignment: { ...alignment, targetWidth: 13 } } },
      "of width 13, got 12",
    ],
  ])("is refused where it %s", async (_, changes, message) => {
    await expect(trained(changes, ["data.train=32", "data.heldOut=32"])).rejects.toThrow(message);
  });
});
