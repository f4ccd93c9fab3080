/** @file What a drawing costs in time and memory, one thing changed at a time: a process for each, so that one's memory is not another's. */
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Size } from "./sizes.js";

/** One drawing. */
export interface CostPoint {
  readonly size: Size;
  /** Of the latents; a token is two by two of them. */
  readonly side: number;
  readonly steps: number;
  readonly candidates: number;
  readonly batch: number;
}

export interface CostRow extends CostPoint {
  readonly tokens: number;
  /** From captions to latents, all pictures: the median of several drawings where they are short. */
  readonly seconds: number;
  /** Most resident memory of the process, weights and Node included. */
  readonly megabytes: number;
}

const middle: CostPoint = { size: "nano", side: 16, steps: 16, candidates: 1, batch: 1 };
const each = <Name extends keyof CostPoint>(name: Name, values: readonly CostPoint[Name][]): CostPoint[] =>
  values.map((value) => ({ ...middle, [name]: value }));

const points: readonly CostPoint[] = [
  middle,
  ...each("side", [8, 32, 48]),
  ...each("steps", [4, 8, 32, 64]),
  ...each("candidates", [5, 10, 20]),
  ...each("batch", [4, 16, 64]),
  { ...middle, size: "base", side: 32 },
  { ...middle, size: "base", side: 32, candidates: 5 },
  { ...middle, size: "large", side: 32 },
];

const script = join(dirname(fileURLToPath(import.meta.url)), "cost-point.js");

/** @returns rows as they are measured */
export async function* measureCosts(): AsyncGenerator<CostRow> {
  for (const point of points) {
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(point)]);
    const found: Pick<CostRow, "tokens" | "seconds" | "megabytes"> = JSON.parse(stdout);
    yield { ...point, ...found };
  }
}

export function costSentence(row: CostRow): string {
  const { size, tokens, steps, candidates, batch, seconds, megabytes } = row;
  const drawing = `${size}, ${tokens} tokens, ${steps} steps, ${candidates} candidates, ${batch} pictures`;
  return `${drawing}: ${seconds.toFixed(2)} s, ${megabytes.toFixed(0)} MB`;
}
