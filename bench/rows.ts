/** @file A bench's rows: both sides measured in turns, medians compared. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Device } from "../src/tensor/index.js";
import type { Peer } from "./peer.js";

/** One piece of work that both sides do. */
export interface BenchCase {
  readonly name: string;
  readonly unit: string;
  /** Seconds to the unit. */
  readonly scale: (seconds: number) => number;
  /** Seconds that ours takes. */
  readonly ours: () => number | Promise<number>;
  /** Another way of ours that takes the peer's place. */
  readonly against?: () => Promise<number>;
  /** Turns of each side, after one to warm up; 15 where left out. */
  readonly rounds?: number;
  /** Where it runs; `cpu` where left out. */
  readonly device?: "cpu" | "cuda";
  /** The peer's ways of doing it, of which the first is compared with; the case's own name where left out. */
  readonly peerCases?: readonly string[];
  /** Operations of its matrix products, and what the machine reaches in them, in operations a second. */
  readonly ceiling?: {
    readonly flops: number;
    readonly rate: () => number;
    /** The least seconds at such a rate, where products are so small that weights are waited for. */
    readonly seconds?: (rate: number) => number;
  };
  /** Why this machine cannot do it, or null. */
  readonly missing?: string | null;
}

/** What a bench prints; ratios are above 1 where ours is faster. */
export interface BenchRow {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly ratio: number | null;
  /** Against the fastest of the peer's ways, where it has several. */
  readonly best?: { readonly case: string; readonly peer: number; readonly ratio: number };
  /** Of ours: TFLOP/s in matrix products, and the share of what the machine reaches. */
  readonly products?: { readonly teraflops: number; readonly share: number };
  /** The least that the machine's products and reading of weights allow, and its share of what ours took. */
  readonly bound?: { readonly least: number; readonly share: number };
  /** Another process was using the cores. */
  readonly busy?: true;
}

/** A kind of device as libtorch names the first of it. */
export const placeOf = (kind: "cpu" | "cuda"): Device => (kind === "cuda" ? "cuda:0" : "cpu");

/** How long one side's threads may spin after their work; the other side waits it out. */
const settleMs = 30;

const usualRounds = 15;

export async function measureRow(one: BenchCase, peer: Peer): Promise<BenchRow> {
  const { name, unit, scale, ours, ceiling, rounds = usualRounds, peerCases = [name] } = one;
  const busy = await isBusy();
  const mine: number[] = [];
  const rates: number[] = [];
  const theirs = peerCases.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    await sleep(settleMs);
    const rate = ceiling?.rate() ?? Number.NaN;
    const own = await ours();
    const others: number[] = [];
    if (one.against !== undefined) {
      await sleep(settleMs);
      others.push(await one.against());
    } else if (peer.kind === "ready")
      for (const peerCase of peerCases) {
        await sleep(settleMs);
        others.push(await peer.measure(peerCase));
      }
    // The first round warms both sides up.
    if (round === 0) continue;
    mine.push(own);
    rates.push(rate);
    for (const [i, other] of others.entries()) theirs[i]!.push(other);
  }
  const seconds = median(mine);
  const found = one.against !== undefined || peer.kind === "ready";
  const peers = theirs.map(median);
  const best = peers.indexOf(Math.min(...peers));
  return {
    case: name,
    unit,
    ours: scale(seconds),
    peer: found ? scale(peers[0]!) : null,
    ratio: found ? peers[0]! / seconds : null,
    ...(found && peers.length > 1
      ? { best: { case: peerCases[best]!, peer: scale(peers[best]!), ratio: peers[best]! / seconds } }
      : {}),
    ...(ceiling === undefined ? {} : { products: reached(ceiling.flops / seconds, median(rates)) }),
    ...(ceiling?.seconds === undefined
      ? {}
      : { bound: boundOf(one, ceiling.seconds(median(rates)), seconds) }),
    ...(busy ? { busy: true } : {}),
  };
}

const reached = (perSecond: number, rate: number): NonNullable<BenchRow["products"]> => ({
  teraflops: perSecond / 1e12,
  share: perSecond / rate,
});

const boundOf = ({ scale }: BenchCase, least: number, took: number): NonNullable<BenchRow["bound"]> => ({
  least: scale(least),
  share: least / took,
});

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
