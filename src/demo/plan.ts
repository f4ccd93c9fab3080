/** @file How long a demo trains and how much it looks at afterwards. */
import { type RecipeOf, stretched } from "../recipe/recipe.js";

export interface DemoPlan {
  readonly recipe: RecipeOf<"scenes">;
  /** Held-out captions that are drawn and judged. */
  readonly samples: number;
  /** Numbers of candidates and moments of choice that are compared. */
  readonly candidates: readonly number[];
  readonly fractions: readonly number[];
  /** Freshly rendered pictures of each of the 540 combinations for zero-shot naming. */
  readonly picturesPerClass: number;
  /** Shares of training after which the same sentences are drawn. */
  readonly moments: readonly number[];
}

/** Enough for a stranger to judge by. */
export function standardPlan(recipe: RecipeOf<"scenes">): DemoPlan {
  return {
    recipe,
    samples: 200,
    candidates: [2, 5, 10],
    fractions: [0.05, 0.125, 0.25, 0.5],
    picturesPerClass: 2,
    moments: [0.05, 0.12, 0.2, 0.35, 0.6, 1],
  };
}

/** The same road in under two minutes: what it draws is hardly begun. */
export function quickPlan(recipe: RecipeOf<"scenes">): DemoPlan {
  const small = { ...recipe, data: { ...recipe.data, train: 2400, heldOut: 122 } };
  return {
    ...standardPlan({ ...stretched(small, small.data.train, 60), name: `${recipe.name}-quick` }),
    samples: 20,
    picturesPerClass: 1,
  };
}
