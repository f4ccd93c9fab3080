/** @file The drawing bench: pictures' latents from captions, against the release's way of drawing in plain PyTorch. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { judgedPrompts } from "../src/demo/prompts.js";
import { DrawingPipeline } from "../src/drawing.js";
import type { DrawingEngine } from "../src/generate/engine.js";
import { type PresetName, presets } from "../src/generate/presets.js";
import { ancestral, decodingSchedule } from "../src/generate/schedule.js";
import { tokenCount } from "../src/models/dream/config.js";
import { callFlops, callSeconds, drawingCalls, type PartCalls } from "../src/plan/drawing.js";
import { loadModel } from "../src/recipe/model-folder.js";
import { matmulGflops, readRate } from "../src/tensor/benchmark.js";
import { hasFastBfloat16, packageRoot } from "../src/tensor/index.js";
import {
  type DrawingCase,
  diffusionSteps,
  drawingCases,
  drawnWith,
  guidance,
  selectionOf,
  steps,
} from "./generate-cases.js";
import { type BenchCase, placeOf } from "./rows.js";
import { sizes } from "./sizes.js";
import { captionLength, drawSeconds, randomEngine } from "./timed-drawing.js";

const folder = join(packageRoot(), "build", "bench");

/** Writes what the peer is told. @returns where */
export async function prepareDrawing(): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "generate.json");
  const told = { sizes, cases: drawingCases, steps, diffusionSteps, guidance: guidance.scale };
  await writeFile(path, JSON.stringify(told));
  return [path];
}

let current: {
  readonly size: string;
  readonly precision: DrawingCase["precision"];
  readonly engine: DrawingEngine;
} | null = null;

export function finishDrawing(): void {
  current?.engine.dispose();
  current?.engine.model.dispose();
  current = null;
  pipeline?.dispose();
  pipeline?.trained.model.dispose();
  pipeline = null;
}

function engineOf({ size, precision, device }: DrawingCase): DrawingEngine {
  if (current?.size === size && current.precision === precision) return current.engine;
  finishDrawing();
  current = { size, precision, engine: randomEngine(drawnWith(size), precision, placeOf(device)) };
  return current.engine;
}

const seconds = (one: DrawingCase): number => drawSeconds(engineOf(one), one, steps);

function caseOf([name, one]: readonly [string, DrawingCase]): BenchCase {
  const inFloat32 = name.replace("bf16", "f32");
  const calls = callsOf(one);
  return {
    name,
    unit: "s/picture",
    scale: (seconds) => seconds / one.batch,
    ours: () => seconds(one),
    rounds: one.rounds,
    device: one.device,
    ceiling: {
      flops: callFlops(calls),
      rate: () => 1e9 * matmulGflops(placeOf(one.device), one.precision),
      seconds: (rate) => callSeconds(calls, rate, (weights) => readSeconds(one, weights)),
    },
    peerCases: one.device === "cpu" && inFloat32 !== name ? [inFloat32, name] : [name],
    missing:
      one.precision === "bfloat16" && !hasFastBfloat16(one.device)
        ? "this processor multiplies bfloat16 more slowly than float32, which drawing takes in its place"
        : null,
  };
}

/** Bytes a second at which so many are read. */
const weightRates = new Map<number, number>();

function readSeconds({ device, precision }: DrawingCase, weights: number): number {
  const bytes = weights * (precision === "float32" ? 4 : 2);
  const rate = weightRates.get(bytes) ?? readRate(placeOf(device), bytes);
  weightRates.set(bytes, rate);
  return bytes / rate;
}

/** What one drawing asks of the machine. */
function callsOf(one: DrawingCase): PartCalls[] {
  const config = drawnWith(one.size);
  return drawingCalls(config, diffusionSteps, {
    batch: one.batch,
    steps: decodingSchedule(tokenCount(config), steps, guidance),
    stepCount: steps,
    sampling: ancestral,
    selection: selectionOf(one),
    guided: true,
    guidanceEvery: 1,
    textTokens: captionLength,
  });
}

/** What choosing costs: the same picture drawn plainly takes the peer's place. */
const sadOverPlain: BenchCase = {
  name: "sad-over-plain",
  unit: "s/picture",
  scale: (seconds) => seconds,
  ours: () => seconds(drawingCases["sad-base-b1-f32"]!),
  against: async () => seconds(drawingCases["plain-base-b1-f32"]!),
  rounds: 3,
};

const demo = join(packageRoot(), "runs", "demo");
let pipeline: DrawingPipeline | null = null;
let nextSeed = 0;

/** A picture by the demo's model, the sentences and seeds counting on. */
async function demoSeconds(name: PresetName): Promise<number> {
  pipeline ??= new DrawingPipeline(await loadModel(demo));
  const { guidance, temperature } = pipeline.trained.drawing;
  const [prompt] = judgedPrompts(1 + (nextSeed % 200)).slice(-1);
  const started = performance.now();
  pipeline.draw([prompt!.caption], {
    choice: { kind: "plain" },
    seeds: [nextSeed++],
    sampling: { ...presets[name], guidance, temperature },
  });
  return (performance.now() - started) / 1000;
}

/** The demo's model by the fast preset, against the paper's steps. */
const fast: BenchCase = {
  name: "plain-nano-b1-fast",
  unit: "s/picture",
  scale: (seconds) => seconds,
  ours: () => demoSeconds("fast"),
  against: () => demoSeconds("exact"),
  rounds: 9,
  missing: existsSync(join(demo, "config.json")) ? null : "there is no runs/demo; npm run demo makes it",
};

export const generateCases: readonly BenchCase[] = [
  ...Object.entries(drawingCases).map(caseOf),
  sadOverPlain,
  fast,
];
