/** @file The drawing bench: pictures' latents from captions, against the release's way of drawing in plain PyTorch. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { judgedPrompts } from "../src/demo/prompts.js";
import { DrawingPipeline } from "../src/drawing.js";
import { DrawingEngine } from "../src/generate/engine.js";
import { drawLatents } from "../src/generate/generate.js";
import { SeededNoise, seededOrders } from "../src/generate/noise.js";
import { type PresetName, presets } from "../src/generate/presets.js";
import { ancestral, decodingSchedule } from "../src/generate/schedule.js";
import { tokenCount } from "../src/models/dream/config.js";
import { Dream } from "../src/models/dream/dream.js";
import { initialise } from "../src/models/dream/initialise.js";
import { drawingFlops } from "../src/plan/drawing.js";
import { loadModel } from "../src/recipe/model-folder.js";
import { matmulGflops } from "../src/tensor/benchmark.js";
import {
  Generator,
  hasFastBfloat16,
  noGrad,
  packageRoot,
  randn,
  scope,
  synchronize,
} from "../src/tensor/index.js";
import {
  type DrawingCase,
  diffusionSteps,
  drawingCases,
  drawnWith,
  guidance,
  selectionOf,
  steps,
  usual,
} from "./generate-cases.js";
import type { BenchCase } from "./rows.js";
import { captionsOf, sizes } from "./sizes.js";

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

/** A model with weights of a trained one's size: what begins at zero would leave the head nothing to do. */
export function randomModel(size: DrawingCase["size"], random: Generator): Dream {
  const model = new Dream(drawnWith(size));
  initialise(model, random);
  noGrad(() => {
    for (const [name, tensor] of model.parameters())
      if (/^diffusionHead\.(.*modulation|final)/.test(name)) tensor.normal_(0, 0.02, { generator: random });
  });
  return model;
}

function engineOf({ size, precision }: DrawingCase): DrawingEngine {
  if (current?.size === size && current.precision === precision) return current.engine;
  finishDrawing();
  const model = randomModel(size, Generator.fromSeed(1));
  const { length, width } = model.config.captions;
  const empty = scope(() => randn([1, length, width]));
  current = { size, precision, engine: new DrawingEngine(model, empty, { precision }) };
  return current.engine;
}

let nextSeed = 0;

/** Tokens of a caption that the text tower reads. */
const captionLength = 20;

function drawSeconds(one: DrawingCase): number {
  const engine = engineOf(one);
  const { model } = engine;
  const { captions: told } = model.config;
  const seeds = Array.from({ length: one.batch }, () => nextSeed++);
  return scope(() => {
    const request = {
      captions: randn([one.batch, told.length, told.width]),
      captionIds: captionsOf(
        seeds.map(() => captionLength),
        model.config,
      ),
      orders: seededOrders(seeds, tokenCount(model.config)),
      noise: new SeededNoise(seeds),
      ...usual,
      selection: selectionOf(one),
    };
    synchronize(model.device);
    const started = performance.now();
    drawLatents(engine, request);
    synchronize(model.device);
    return (performance.now() - started) / 1000;
  });
}

function caseOf([name, one]: readonly [string, DrawingCase]): BenchCase {
  const inFloat32 = name.replace("bf16", "f32");
  return {
    name,
    unit: "s/picture",
    scale: (seconds) => seconds / one.batch,
    ours: () => drawSeconds(one),
    rounds: one.rounds,
    device: one.device,
    ceiling: { flops: flopsOf(one), rate: () => 1e9 * matmulGflops("cpu", one.precision) },
    peerCases: one.device === "cpu" && inFloat32 !== name ? [inFloat32, name] : [name],
    missing:
      one.precision === "bfloat16" && !hasFastBfloat16(one.device)
        ? "this processor multiplies bfloat16 more slowly than float32, which drawing takes in its place"
        : null,
  };
}

/** Operations of the matrix products in one drawing. */
function flopsOf(one: DrawingCase): number {
  const config = drawnWith(one.size);
  return drawingFlops(config, diffusionSteps, {
    batch: one.batch,
    steps: decodingSchedule(tokenCount(config), steps, guidance),
    stepCount: steps,
    sampling: ancestral,
    selection: selectionOf(one),
    guided: true,
    guidanceEvery: 1,
    textTokens: captionLength,
  }).total;
}

/** What choosing costs: the same picture drawn plainly takes the peer's place. */
const sadOverPlain: BenchCase = {
  name: "sad-over-plain",
  unit: "s/picture",
  scale: (seconds) => seconds,
  ours: () => drawSeconds(drawingCases["sad-base-b1-f32"]!),
  against: async () => drawSeconds(drawingCases["plain-base-b1-f32"]!),
  rounds: 3,
};

const demo = join(packageRoot(), "runs", "demo");
let pipeline: DrawingPipeline | null = null;

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
