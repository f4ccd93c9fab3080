/** @file What the training bench measures: sizes, batches and precisions, told to both sides. */
import { tokenCount } from "../src/models/dream/config.js";
import { maskedCount } from "../src/models/dream/masking.js";
import { pictureFlops } from "../src/plan/flops.js";
import { type Recipe, readRecipe } from "../src/recipe/recipe.js";
import { sizes } from "./sizes.js";

/** Share of the tokens that a step hides. */
export const maskRatio = 0.75;

/** One row's step. */
export interface StepCase {
  readonly size: keyof typeof sizes;
  readonly device: "cpu" | "cuda";
  readonly precision: "float32" | "bfloat16";
  /** Tokens of each caption, start and end among them. */
  readonly lengths: readonly number[];
  /** In one turn. */
  readonly steps: number;
  readonly rounds: number;
}

/** As CC12M's captions are long: 8 to 40 tokens, 20 in the mean. */
function captionLengths(batch: number): number[] {
  const golden = (Math.sqrt(5) - 1) / 2;
  return Array.from({ length: batch }, (_, i) => 8 + Math.floor(32.9 * (((i + 1) * golden) % 1) ** 1.7));
}

const onCpu = (size: "base" | "nano", precision: StepCase["precision"]): StepCase => ({
  size,
  device: "cpu",
  precision,
  lengths: captionLengths(size === "base" ? 4 : 32),
  steps: 1,
  rounds: size === "base" ? 3 : 7,
});

const onCuda = (size: "base" | "large"): StepCase => ({
  size,
  device: "cuda",
  precision: "bfloat16",
  lengths: captionLengths(size === "base" ? 64 : 32),
  steps: 10,
  rounds: 5,
});

/** By the rows' names. Those of one size and device stand beside one another: one model serves them. */
export const stepCases: Readonly<Record<string, StepCase>> = {
  "step-base-f32": onCpu("base", "float32"),
  "step-base-bf16": onCpu("base", "bfloat16"),
  "step-nano-f32": onCpu("nano", "float32"),
  "step-nano-bf16": onCpu("nano", "bfloat16"),
  "cuda-base-bf16": onCuda("base"),
  "cuda-large-bf16": onCuda("large"),
};

/** The paper's training of a case's model, with one mask group of one ratio and no caption dropped. */
export function recipeOf({ size, precision, lengths }: StepCase): Recipe {
  return {
    ...readRecipe("dream-b"),
    model: sizes[size],
    batchSize: lengths.length,
    maskGroups: 1,
    masking: { kind: "uniform", minimum: maskRatio, maximum: maskRatio },
    captionDrop: 0,
    precision,
  };
}

/** Operations of the matrix products in one of our steps. */
export function flopsOf(one: StepCase): number {
  const recipe = recipeOf(one);
  const hidden = maskedCount(maskRatio, tokenCount(recipe.model));
  const { forward, backward } = pictureFlops(recipe, hidden, Math.max(...one.lengths));
  return recipe.batchSize * (forward + backward);
}
