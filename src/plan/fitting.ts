/** @file Whether a run fits its devices, and the least that would have to change: rounds, recomputation, more devices. */
import { DreamError } from "../errors.js";
import type { Recipe } from "../recipe/recipe.js";
import { canShare } from "../train/sharing.js";
import { describeMemory, gigabytes, type MemoryPlan, type Placement, planMemory } from "./memory.js";

/** A change of a recipe's settings that leaves its steps as they are. */
export type Sparing = Pick<Recipe, "accumulation" | "activations">;

/** With fewer pictures at a time products become too small to be quick. */
const fewPictures = 8;

/**
 * The sparing that fits: more rounds while each has pictures enough, then recomputation too; null where none does. The recipe's own
 * comes first.
 * @param available bytes of a device
 */
export function sparingThatFits(recipe: Recipe, placement: Placement, available: number): Sparing | null {
  const pictures = recipe.batchSize / placement.processes;
  const rounds = roundsOf(recipe, placement).filter((count) => count >= recipe.accumulation);
  const keeping = rounds.filter((count) => count === recipe.accumulation || pictures / count >= fewPictures);
  const candidates: Sparing[] = [
    ...keeping.map((accumulation) => ({ accumulation, activations: recipe.activations })),
    ...rounds.map((accumulation) => ({ accumulation, activations: "recomputed" as const })),
  ];
  return candidates.find((one) => planMemory({ ...recipe, ...one }, placement).total <= available) ?? null;
}

/** The numbers of rounds in which processes can take their parts of a batch. */
function roundsOf({ batchSize, maskGroups }: Recipe, { processes }: Placement): number[] {
  const counts = Array.from({ length: Math.floor(batchSize / processes) }, (_, i) => i + 1);
  return counts.filter((rounds) => canShare({ batchSize, maskGroups, processes, rounds }));
}

/** What to do, in words, where a plan is larger than its device. */
export function adviceFor(recipe: Recipe, placement: Placement, available: number): string {
  const sparing = sparingThatFits(recipe, placement, available);
  if (sparing === null)
    return "even a picture at a time does not fit; take a smaller size, or devices with more memory";
  const { accumulation, activations } = sparing;
  const changes = [
    ...(accumulation === recipe.accumulation ? [] : [`accumulation: ${accumulation}`]),
    ...(activations === recipe.activations ? [] : [`activations: ${activations}`]),
  ];
  return `${changes.join(" and ")} would fit, with the same steps`;
}

/**
 * @param recipe in the precision in which it runs @param available bytes of a device
 * @returns the plan
 * @throws DreamError `value` where it needs more
 */
export function checkMemory(recipe: Recipe, placement: Placement, available: number): MemoryPlan {
  const plan = planMemory(recipe, placement);
  if (plan.total <= available) return plan;
  throw new DreamError("value", {
    operation: "plan the run's memory",
    message: `this machine is too small: ${describeMemory(plan)}, where it has ${gigabytes(available)}`,
    hint: adviceFor(recipe, placement, available),
  });
}
