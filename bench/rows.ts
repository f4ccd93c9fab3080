/** @file A bench's rows: both sides measured in turns, medians compared. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Peer } from "./peer.js";

/** One piece of work that both sides do. */
export interface BenchCase {
  readonly name: string;
  readonly unit: string;
  /** Seconds to the unit. */
  readonly scale: (seconds: number) => number;
  /** Seconds that ours takes. */
  readonly ours: () => number | Promise<number>;
}

/** What a bench prints; `ratio` is above 1 where ours is faster. */
export interface BenchRow {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
  /** Another process was using the cores. */
  readonly busy?: true;
}

/** How long one side's threads may spin after their work; the other side waits it out. */
const settleMs = 30;

/** Rounds of each side. */
const rounds = 15;

export async function measureRow({ name, unit, scale, ours }: BenchCase, peer: Peer): Promise<BenchRow> {
  const busy = await isBusy();
  const [mine, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    await sleep(settleMs);
    const own = await ours();
    await sleep(settleMs);
    const other = peer.kind === "ready" ? await peer.measure(name) : Number.NaN;
    // The first round warms both sides up.
    if (round === 0) continue;
    mine.push(own);
    theirs.push(other);
  }
  const [a, b] = [median(mine), median(theirs)];
  const found = peer.kind === "ready";
  return {
    case: name,
    unit,
    ours: scale(a),
    peer: found ? scale(b) : null,
    ratio: found ? b / a : null,
    ...(busy ? { busy: true } : {}),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((x, y) => x - y)[Math.floor(values.length / 2)]!;
}

/** Whether other processes take more than a tenth of the cores. */
async function isBusy(): Promise<boolean> {
  const times = (): [idle: number, all: number] => {
    const fields = readFileSync("/proc/stat", "utf8")
      .split("\n")[0]!
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return [fields[3]! + fields[4]!, fields.reduce((sum, n) => sum + n, 0)];
  };
  const [idleBefore, allBefore] = times();
  await sleep(500);
  const [idle, all] = times();
  return 1 - (idle - idleBefore) / Math.max(1, all - allBefore) > 0.1;
}
