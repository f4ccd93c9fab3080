/** @file A recipe's whole run on paper, for so many devices: memory, arithmetic, communication, time and input. */
import { type Recipe, recipeHash } from "../recipe/recipe.js";
import { sharesOf } from "../train/sharing.js";
import {
  type CommunicationPlan,
  type ParameterCounts,
  parameterCounts,
  planCommunication,
} from "./communication.js";
import { adviceFor } from "./fitting.js";
import { type StepFlops, stepFlops } from "./flops.js";
import { frozenBytes, type InputPlan, planInput } from "./input.js";
import { type MemoryPlan, type Placement, planMemory } from "./memory.js";
import { type DeviceSpeed, planTime, type TimePlan } from "./time.js";

/** What a run is planned for. */
export interface PlanFor {
  readonly placement: Placement;
  readonly speed: DeviceSpeed;
  /** Bytes of one device; null where nobody said. */
  readonly available: number | null;
  /** Of an epoch. */
  readonly samples: number;
}

export interface RunPlan extends PlanFor {
  readonly recipe: string;
  readonly recipeHash: string;
  readonly parameters: ParameterCounts;
  readonly memory: MemoryPlan;
  /** Bytes more of each device where frozen models stay open; null where they are not known. */
  readonly liveBytes: number | null;
  readonly flops: StepFlops;
  readonly communication: CommunicationPlan;
  readonly time: TimePlan;
  /** Null for scenes, whose features are made once and stay in memory. */
  readonly input: InputPlan | null;
  /** Whether it fits, and what to do where it does not; null where the devices' memory is unknown. */
  readonly verdict: { readonly fits: true } | { readonly fits: false; readonly advice: string } | null;
}

/**
 * @param recipe in the precision in which it runs
 * @throws DreamError `value` where the batch cannot be shared among processes, rounds and mask groups
 */
export function planRun(recipe: Recipe, planFor: PlanFor): RunPlan {
  const { placement, speed, samples } = planFor;
  const { processes } = placement;
  sharesOf({ ...recipe, processes, rounds: recipe.accumulation });
  // The text tower reads at most its whole context.
  const textTokens = recipe.model.textTower.contextLength;
  const memory = planMemory(recipe, placement);
  const time = planTime(recipe, processes, speed, { samples, textTokens });
  return {
    recipe: recipe.name,
    recipeHash: recipeHash(recipe),
    ...planFor,
    parameters: parameterCounts(recipe.model),
    memory,
    liveBytes: frozenBytes(recipe),
    flops: stepFlops(recipe, textTokens),
    communication: planCommunication(recipe, processes),
    time,
    input: recipe.data.kind === "scenes" ? null : planInput(recipe, time.imagesPerSecond, samples),
    verdict: verdictOn(recipe, planFor, memory),
  };
}

function verdictOn(
  recipe: Recipe,
  { placement, available }: PlanFor,
  memory: MemoryPlan,
): RunPlan["verdict"] {
  if (available === null) return null;
  if (memory.total <= available) return { fits: true };
  return { fits: false, advice: adviceFor(recipe, placement, available) };
}
