/** @file A run's folder without training: a recipe of scenes with weights that draw something. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localModel } from "../src/recipe/model-folder.js";
import { overridden } from "../src/recipe/overrides.js";
import { readRecipe, recipeOf } from "../src/recipe/recipe.js";
import { freshTrainer, saveRunModel } from "../src/recipe/run.js";
import { prepareScenes } from "../src/recipe/scenes-data.js";
import { noGrad } from "../src/tensor/index.js";

/** @param name of a recipe @param settings of it, path=value @returns the folder */
export async function loudRun(name = "scenes-test", settings: readonly string[] = []): Promise<string> {
  const recipe = recipeOf("scenes", overridden(readRecipe(name), settings));
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
