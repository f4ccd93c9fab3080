/** @file The option `--set` of the commands that name a recipe. */
import { Option } from "commander";
import { overridden } from "../recipe/overrides.js";
import { type Recipe, readRecipe } from "../recipe/recipe.js";

export function setOption(): Option {
  return new Option(
    "--set <path=value>",
    "an entry of the recipe and what takes its place, in YAML, such as optimiser.weightDecay=0.1; may be given several times",
  ).argParser((setting: string, before: readonly string[] = []) => [...before, setting]);
}

/** @throws DreamError where the recipe or an entry is unknown, or a value is not what the entry takes */
export function readRecipeWith(name: string, settings: readonly string[] = []): Recipe {
  return overridden(readRecipe(name), settings);
}
