/** @file A long training of a tiny model in a process of its own that watches itself: memory after each step, and time from step to step. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./process.js";

export interface Steadiness {
  readonly steps: number;
  readonly minutes: number;
  /** Resident memory, the mean of each quarter of the steps. */
  readonly megabytes: readonly [number, number, number, number];
  /** From the end of a step to the end of the next, all that comes between included. */
  readonly milliseconds: { readonly median: number; readonly longest: number };
}

/** How long it is trained: for so many steps, or until so many minutes are over. */
export interface Length {
  readonly steps: number;
  readonly minutes: number;
}

/** What the process runs: the recipe and the folder are its arguments. */
const program = ({ steps, minutes }: Length): string => `
const built = (path) => import(${JSON.stringify(join(root, "dist"))} + "/" + path);
const { readRecipe, stretched } = await built("recipe/recipe.js");
const { prepareScenes } = await built("recipe/scenes-data.js");
const { localModel } = await built("recipe/model-folder.js");
const { runRecipe } = await built("recipe/run.js");
const [path, folder] = process.argv.slice(1);
const recipe = readRecipe(path);
const data = await prepareScenes(recipe, folder + "/data", { locate: localModel });
const stop = new AbortController();
// Filled before it begins, so that what it takes is there from the start.
const [memory, ends] = [new Float64Array(${steps}).fill(1), new Float64Array(${steps}).fill(1)];
let begun = performance.now();
const { nextStep } = await runRecipe(stretched(recipe, data.train.count, ${steps}), folder, data, {
  onStart: () => { begun = performance.now(); },
  onStep: ({ step }) => {
    // What stays is what is held: when V8 collects by itself is its own affair, and its garbage reached 100 MB here.
    if (step % 50 === 0) globalThis.gc();
    memory[step] = process.memoryUsage.rss() / 1e6;
    ends[step] = performance.now();
    if (ends[step] - begun > ${minutes * 60_000}) stop.abort();
  },
  signal: stop.signal,
});
const quarter = Math.floor(nextStep / 4);
const mean = (part) => part.reduce((sum, one) => sum + one, 0) / part.length;
const gaps = ends.slice(1, nextStep).map((end, i) => end - ends[i]).sort();
console.log(JSON.stringify({
  steps: nextStep,
  minutes: (ends[nextStep - 1] - begun) / 60_000,
  megabytes: [0, 1, 2, 3].map((i) => mean(memory.slice(i * quarter, (i + 1) * quarter))),
  milliseconds: { median: gaps[gaps.length >> 1], longest: gaps[gaps.length - 1] },
}));
`;

/** @param checkpointSeconds from one checkpoint to the next */
export function trainSteadily(length: Length, checkpointSeconds: number): Steadiness {
  const folder = mkdtempSync(join(tmpdir(), "dream-steady-"));
  const recipe = join(folder, "recipe.yaml");
  const text = readFileSync(join(root, "recipes/scenes-test.yaml"), "utf8")
    .replace("everyMinutes: 5", `everyMinutes: ${checkpointSeconds / 60}`)
    .replace("train: 256", "train: 64")
    .replace("batchSize: 16", "batchSize: 8")
    .replace("maskGroups: 2", "maskGroups: 1");
  writeFileSync(recipe, text);
  try {
    const args = ["--expose-gc", "--input-type=module", "-e", program(length), recipe, join(folder, "run")];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Steadiness;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
