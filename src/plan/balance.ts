/**
 * @file How unevenly a step's work falls: every mask group draws a ratio of its own, and a step waits for the process whose groups cost
 * most. With one group for each of many processes nearly every step takes as long as its most expensive ratio.
 */
import { tokenCount } from "../models/dream/config.js";
import type { Recipe } from "../recipe/recipe.js";
import { pictureFlops } from "./flops.js";
import { epochsOf, hiddenCountsAt } from "./hidden-counts.js";

/** Costs are put on a grid of so many points for each group; a run is looked at at so many moments. */
const [gridPoints, moments] = [100, 12];

/** Probabilities of costs 0, 1, 2, ... on a grid. */
type Distribution = Float64Array;

/**
 * The mean cost of the slowest process over the mean cost of all, 1 where there is one process.
 * @param processes that share the recipe's mask groups equally
 */
export function imbalance(recipe: Recipe, processes: number, textTokens: number): number {
  if (processes === 1) return 1;
  const N = tokenCount(recipe.model);
  const costs = Array.from({ length: N + 1 }, (_, hidden) => {
    const { forward, backward } = pictureFlops(recipe, hidden, textTokens);
    return forward + backward;
  });
  const unit = Math.max(...costs) / gridPoints;
  let [slowest, all] = [0, 0];
  for (const epoch of epochsOf(recipe.epochs, moments)) {
    const group = onGrid(hiddenCountsAt(recipe.masking, epoch, N), costs, unit);
    const process = summed(group, Math.max(1, recipe.maskGroups / processes));
    // Where there are fewer groups than processes, several share one and take as long.
    slowest += meanOfGreatest(process, Math.min(processes, recipe.maskGroups));
    all += meanOfGreatest(process, 1);
  }
  return slowest / all;
}

function onGrid(probabilities: Float64Array, costs: readonly number[], unit: number): Distribution {
  const grid = new Float64Array(gridPoints + 1);
  for (const [hidden, probability] of probabilities.entries())
    grid[Math.round(costs[hidden]! / unit)]! += probability;
  return grid;
}

/** The sum of so many independent draws. */
function summed(one: Distribution, count: number): Distribution {
  let sum = one;
  for (let i = 1; i < count; i++) {
    const next = new Float64Array(sum.length + one.length - 1);
    for (const [a, p] of sum.entries()) for (const [b, q] of one.entries()) next[a + b]! += p * q;
    sum = next;
  }
  return sum;
}

/** The mean of the greatest of so many independent draws. */
function meanOfGreatest(distribution: Distribution, count: number): number {
  let [below, mean, reached] = [0, 0, 0];
  for (const [at, probability] of distribution.entries()) {
    below = Math.min(1, below + probability);
    const upTo = below ** count;
    mean += at * (upTo - reached);
    reached = upTo;
  }
  return mean;
}
