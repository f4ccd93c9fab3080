/**
 * @file A run that is killed again and again (SIGKILL: nothing is said, nothing is saved) and gone on with each time. The moments are drawn
 * by a seed: by the clock while it prepares, by the step while it trains, and when a checkpoint is half-written.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect } from "vitest";
import { checkpointNames } from "../src/train/checkpoint-folder.js";
import { findCheckpoint } from "../src/train/checkpoint-reader.js";
import { Journal } from "../src/train/journal.js";
import { command, dream, root } from "./process.js";

/** When a process is killed. */
export type Moment =
  | { readonly kind: "preparing"; readonly afterMs: number }
  | { readonly kind: "training"; readonly step: number; readonly afterMs: number }
  | { readonly kind: "writing"; readonly step: number };

/** What a killed process left. */
export interface Killed {
  readonly moment: Moment;
  /** Steps in the journal, and in the newest checkpoint. */
  readonly taken: number;
  readonly saved: number;
  readonly leftHalfWritten: boolean;
}

/** A run of so many steps, all of which are saved where the disk is fast enough. */
function writeRecipe(path: string, stepCount: number): void {
  const text = readFileSync(join(root, "recipes/scenes-test.yaml"), "utf8")
    .replace("everyMinutes: 5", "everyMinutes: 0.00001")
    .replace("train: 256", "train: 64")
    .replace(/epochs: 12\.5/, `epochs: ${stepCount / 4}`);
  writeFileSync(path, text);
}

/**
 * Trains undisturbed, and killed.
 * @returns what each killed process left; the run has ended as the undisturbed one
 */
export async function runKilled(
  count: Readonly<Record<Moment["kind"], number>>,
  stepCount: number,
  seed: number,
): Promise<Killed[]> {
  const folder = mkdtempSync(join(tmpdir(), "dream-kills-"));
  const [recipe, undisturbed, run] = ["recipe.yaml", "undisturbed", "killed"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeRecipe(recipe, stepCount);
  const preparationMs = await trainUndisturbed(recipe, undisturbed);
  const kills: Killed[] = [];
  for (const moment of drawMoments(count, stepCount, preparationMs, seed)) {
    const killed = await killAt(recipe, run, moment);
    process.stdout.write(`${JSON.stringify(killed)}\n`);
    kills.push(killed);
  }
  await goOn(recipe, run, kills.at(-1)!);
  expectSameEnd(run, undisturbed, stepCount);
  rmSync(folder, { recursive: true });
  return kills;
}

/** @returns milliseconds until its first checkpoint was there */
async function trainUndisturbed(recipe: string, run: string): Promise<number> {
  const begun = performance.now();
  let preparationMs = 0;
  const watching = setInterval(() => {
    if (preparationMs === 0 && checkpointNames(join(run, "checkpoints")).length > 0)
      preparationMs = performance.now() - begun;
  }, 1);
  const { code, err } = await dream(["train", recipe, "--out", run]);
  clearInterval(watching);
  expect(code, err).toBe(0);
  return preparationMs;
}

/** Draws moments in the order of their steps. @param preparationMs how long a run prepares */
function drawMoments(
  count: Readonly<Record<Moment["kind"], number>>,
  stepCount: number,
  preparationMs: number,
  seed: number,
): Moment[] {
  const random = xoroshiro128plus(seed);
  const below = (limit: number): number => uniformInt(random, 0, Math.floor(limit) - 1);
  const kinds = Object.entries(count).flatMap(([kind, times]) => Array(times).fill(kind as Moment["kind"]));
  for (let i = kinds.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [kinds[i], kinds[j]] = [kinds[j], kinds[i]];
  }
  // A run that is nearly done could end before it is killed.
  const steps = kinds.map(() => below(0.9 * stepCount)).sort((a, b) => a - b);
  return kinds.map((kind: Moment["kind"], i): Moment => {
    const step = steps[i]!;
    if (kind === "preparing") return { kind, afterMs: below(preparationMs) };
    return kind === "training" ? { kind, step, afterMs: below(60) } : { kind, step };
  });
}

/** Runs `dream train` until the moment, kills it, and looks at what is there. @throws where something is damaged */
async function killAt(recipe: string, run: string, moment: Moment): Promise<Killed> {
  const [program, ...args] = command(["train", recipe, "--out", run]);
  const child = spawn(program, args, { cwd: root, stdio: "ignore" });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.on("close", (_, signal) => resolve(signal)),
  );
  const checkpoints = join(run, "checkpoints");
  const isReached = watch(moment, checkpoints);
  let dueMs: number | null = null;
  const watching = setInterval(() => {
    const now = performance.now();
    if (dueMs === null && isReached()) dueMs = now + (moment.kind === "training" ? moment.afterMs : 0);
    if (dueMs !== null && now >= dueMs) child.kill("SIGKILL");
  }, 1);
  const signal = await ended;
  clearInterval(watching);
  expect(signal, JSON.stringify(moment)).toBe("SIGKILL");
  const { newest, damaged } = await findCheckpoint(checkpoints);
  expect(damaged, JSON.stringify(moment)).toEqual([]);
  return {
    moment,
    taken: new Journal(join(run, "metrics.jsonl")).read().length,
    saved: newest?.notes.step ?? 0,
    leftHalfWritten: halfWritten(checkpoints).length > 0,
  };
}

/** Tells whether a moment has come for a process that begins now. */
function watch(moment: Moment, checkpoints: string): () => boolean {
  const begun = performance.now();
  const newest = (names: readonly string[]): number =>
    Math.max(0, ...names.map((name) => Number(/\d+/.exec(name))));
  const before = newest(checkpointNames(checkpoints));
  // What the last process left half-written is there until this one clears it away.
  let isCleared = false;
  const underWay = (): number => {
    const names = halfWritten(checkpoints);
    isCleared ||= names.length === 0;
    return isCleared ? newest(names) : 0;
  };
  const saved = (): number => Math.max(underWay(), newest(checkpointNames(checkpoints)));
  switch (moment.kind) {
    case "preparing":
      // On a machine that is faster than a minute ago the preparation may be over already.
      return () => performance.now() - begun >= moment.afterMs || saved() > before;
    case "training":
      return () => saved() > Math.max(moment.step, before);
    case "writing":
      return () => underWay() > Math.max(moment.step, before);
    default:
      throw new Error(`internal: no moment ${moment satisfies never}`);
  }
}

function halfWritten(checkpoints: string): string[] {
  try {
    return readdirSync(checkpoints).filter((name) => /^\.step-\d+\.partial$/.test(name));
  } catch {
    return [];
  }
}

/** Lets the run end, from where the last process was killed. */
async function goOn(recipe: string, run: string, killed: Killed): Promise<void> {
  const { code, err } = await dream(["train", recipe, "--out", run]);
  expect(code, err).toBe(0);
  if (killed.saved > 0) expect(err).toContain(`Going on from step ${killed.saved}.`);
}

/** The killed run ended as the undisturbed one, to the bit, and left nothing half-written. */
function expectSameEnd(run: string, undisturbed: string, stepCount: number): void {
  const state = join("checkpoints", `step-${String(stepCount).padStart(8, "0")}`, "state.safetensors");
  for (const name of ["model.safetensors", state])
    expect(readFileSync(join(run, name)).equals(readFileSync(join(undisturbed, name))), name).toBe(true);
  const steps = new Journal(join(run, "metrics.jsonl")).read().map(({ step }) => step);
  expect(steps).toEqual([...Array(stepCount).keys()]);
  expect(readdirSync(run, { recursive: true }).filter((name) => String(name).endsWith(".partial"))).toEqual(
    [],
  );
}
