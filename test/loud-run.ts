/** @file A run's folder without training: the small scenes recipe with weights that draw something. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localModel } from "../src/recipe/model-folder.js";
import { readRecipe, recipeOf } from "../src/recipe/recipe.js";
import { freshTrainer, saveRunModel } from "../src/recipe/run.js";
import { prepareScenes } from "../src/recipe/scenes-data.js";
import { noGrad } from "../src/tensor/index.js";

/** @returns the folder */
export async function loudRun(): Promise<string> {
  const recipe = recipeOf("scenes", readRecipe("scenes-test"));
  const folder = mkdtempSync(join(tmpdir(), "dream-run-"));
  const data = await prepareScenes(recipe, join(folder, "data"), { locate: localModel });
  const trainer = freshTrainer(recipe, data);
  // An untrained head is silent: its last layers begin at zero.
  noGrad(() => {
    for (const [name, tensor] of trainer.average.state())
      if (/modulation|final/.test(name)) tensor.normal_(0, 0.2);
  });
  await saveRunModel(folder, trainer, data, recipe, 0);
  return folder;
}
