/** @file What the two kinds of `dream train` share: the command's options, where a run takes place, how it ended. */
import { type Recipe, stretched } from "../recipe/recipe.js";
import type { RunData, RunStart } from "../recipe/run.js";
import type { ProcessGroup } from "../tensor/index.js";
import type { Interruption } from "./interruption.js";

export interface TrainOptions {
  readonly trainData?: string;
  readonly indexFolder?: string;
  readonly steps?: number;
  readonly out?: string;
  readonly init?: string;
  readonly set?: readonly string[];
  readonly device: string;
  readonly processes?: number;
  readonly json?: boolean;
}

/** A run to be done. */
export interface TrainJob {
  /** Its folder. */
  readonly run: string;
  readonly options: TrainOptions;
  readonly start: RunStart;
  readonly stop: Interruption;
}

/** What is said and told of a finished run; null where it was stopped, which has been said, and in all processes but the first. */
export type Done = {
  readonly steps: number;
  readonly note: string;
  readonly results: Readonly<Record<string, unknown>>;
} | null;

/** What the first process of each machine does before the others: they find what it left. */
export async function inTurn<T>(group: ProcessGroup | null, body: () => Promise<T>): Promise<T> {
  if (group === null) return body();
  const isFirst = group.localRank === 0;
  const result = isFirst ? await body() : null;
  group.barrier();
  return isFirst ? (result as T) : body();
}

/** The recipe in the number of steps that was asked for. */
export function inSteps(recipe: Recipe, { train: { count } }: RunData, steps: number | undefined): Recipe {
  return steps === undefined ? recipe : stretched(recipe, count, steps);
}
