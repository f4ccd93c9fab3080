/** @file The training bench: a step of the paper's training, against the same in plain PyTorch. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DreamModel } from "../src/models/dream/dream.js";
import { initialise } from "../src/models/dream/initialise.js";
import { matmulGflops } from "../src/tensor/benchmark.js";
import { Generator, hasFastBfloat16, packageRoot, randn, scope, synchronize } from "../src/tensor/index.js";
import { Trainer } from "../src/train/trainer.js";
import { type BenchCase, placeOf } from "./rows.js";
import { captionsOf, sizes } from "./sizes.js";
import { flopsOf, recipeOf, type StepCase, stepCases } from "./train-cases.js";
import { endTeams, twoProcesses } from "./two-processes.js";

const folder = join(packageRoot(), "build", "bench");

/** Writes what the peer is told. @returns where */
export async function prepareTraining(): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "train.json");
  await writeFile(path, JSON.stringify({ sizes, cases: stepCases }));
  return [path];
}

/** The model in training; one at a time has room. */
let current: { readonly one: StepCase; readonly trainer: Trainer; step: number } | null = null;

export async function finishTraining(): Promise<void> {
  await endTeams();
  letGo();
}

function letGo(): void {
  current?.trainer.dispose();
  current?.trainer.model.dispose();
  current = null;
}

function trainerOf(one: StepCase): NonNullable<typeof current> {
  if (current?.one === one) return current;
  letGo();
  const recipe = recipeOf(one);
  const model = new DreamModel(recipe.model, placeOf(one.device));
  initialise(model, Generator.ofDevice(placeOf(one.device)));
  current = { one, trainer: new Trainer(model, recipe, 1), step: 0 };
  return current;
}

function stepSeconds(one: StepCase): number {
  const training = trainerOf(one);
  const { latent, captions: told } = sizes[one.size];
  const B = one.lengths.length;
  const device = placeOf(one.device);
  return scope(() => {
    const inputs = Array.from({ length: one.steps }, () => ({
      latents: randn([B, latent.channels, latent.side, latent.side], { device }),
      captionIds: captionsOf(one.lengths, sizes[one.size]).to({ device }),
      captions: randn([B, told.length, told.width], { device }),
    }));
    synchronize(device);
    const started = performance.now();
    for (const batch of inputs)
      training.trainer.step(
        batch,
        batch.captions.narrow(0, 0, 1),
        { step: training.step++, epoch: 1 },
        { step: training.step, epoch: 1 },
      );
    synchronize(device);
    return (performance.now() - started) / 1000 / one.steps;
  });
}

function caseOf([name, one]: readonly [string, StepCase]): BenchCase {
  const images = one.lengths.length;
  const inFloat32 = name.replace("bf16", "f32");
  return {
    name,
    unit: "images/s",
    scale: (seconds) => images / seconds,
    ours: () => stepSeconds(one),
    rounds: one.rounds,
    device: one.device,
    // The release's float32 first, and bfloat16 where that may be the peer's best.
    peerCases: one.device === "cpu" && inFloat32 !== name ? [inFloat32, name] : [name],
    ceiling: { flops: flopsOf(one), rate: () => 1e9 * matmulGflops(placeOf(one.device), one.precision) },
    missing:
      one.precision === "bfloat16" && !hasFastBfloat16(one.device)
        ? "this processor multiplies bfloat16 more slowly than float32, which training takes in its place"
        : null,
  };
}

export const trainCases: readonly BenchCase[] = [...Object.entries(stepCases).map(caseOf), twoProcesses];
