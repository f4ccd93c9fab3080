import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { drawPictures } from "./drawing.js";
import { type Recipe, readRecipe, recipeHash } from "./recipe/recipe.js";
import { loadRunModel, saveRunModel, type TrainedModel } from "./recipe/run-folder.js";
import { freshTrainer, prepareScenes } from "./recipe/scenes-run.js";
import { noGrad } from "./tensor/index.js";

const recipe = readRecipe("scenes-test");
let trained: TrainedModel;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "dream-run-"));
  const data = await prepareScenes(recipe, join(folder, "data"), () => {});
  const trainer = freshTrainer(recipe, data.tokenizer);
  // An untrained head is silent: its last layers begin at zero.
  noGrad(() => {
    for (const [name, tensor] of trainer.average.state())
      if (/modulation|final/.test(name)) tensor.normal_(0, 0.2);
  });
  await saveRunModel(folder, trainer, data, recipe, recipeHash(recipe));
  trained = loadRunModel(folder);
});

const captions = ["a large red circle in the centre on a plain background", "a small blue square over dots"];
const plain = { choice: { kind: "plain" }, seeds: [1, 2] } as const;
const withGuidance = (scale: number): TrainedModel => {
  const drawing: Recipe["drawing"] = { ...trained.drawing, guidance: { kind: "constant", scale } };
  return { ...trained, drawing };
};

describe("drawing pictures", () => {
  it("gives a picture of the trained size for each caption, the same for the same seeds", () => {
    const pictures = drawPictures(trained, captions, plain);
    expect(pictures.map(({ width, height }) => [width, height])).toEqual([
      [32, 32],
      [32, 32],
    ]);
    expect(drawPictures(trained, captions, plain)).toEqual(pictures);
  });

  it("reads the caption, but at guidance 0 only the empty one", () => {
    const [own, other] = [captions, [...captions].reverse()];
    expect(drawPictures(trained, own, plain)).not.toEqual(drawPictures(trained, other, plain));
    expect(drawPictures(withGuidance(0), own, plain)).toEqual(drawPictures(withGuidance(0), other, plain));
  });

  it("draws with a choice, and refuses a share of the tokens that is none", () => {
    const aligned = (atFraction: number) =>
      ({ choice: { kind: "aligned", candidates: 2, atFraction }, seeds: [1, 2] }) as const;
    expect(drawPictures(trained, captions, aligned(0.125))).toHaveLength(2);
    for (const share of [0, 1.5])
      expect(() => drawPictures(trained, captions, aligned(share))).toThrow(/share of the tokens/);
    expect(() => drawPictures(trained, captions, aligned(1))).toThrow(/a share of the tokens below 1/);
  });
});
