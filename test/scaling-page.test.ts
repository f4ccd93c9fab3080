import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sparingThatFits } from "../src/plan/fitting.js";
import { type PlanFor, planRun } from "../src/plan/run-plan.js";
import { usualEfficiency } from "../src/plan/time.js";
import { readRecipe } from "../src/recipe/recipe.js";
import { root } from "./process.js";

const page = readFileSync(join(root, "docs", "scaling.md"), "utf8");

/** What the page assumes of a GPU. */
const gpus = (processes: number): PlanFor => ({
  placement: { processes, device: "cuda", frozen: 0 },
  speed: { rate: 760e12, efficiency: usualEfficiency.cuda, bandwidth: 50e9 },
  available: 80e9,
  samples: 11_000_000,
});

/** A size on so many GPUs, in the least rounds with which it fits, as a row of the page's table. */
function row(name: string, processes: number): string {
  const planFor = gpus(processes);
  const recipe = readRecipe(name);
  const sparing = sparingThatFits(recipe, planFor.placement, 80e9)!;
  expect(sparing.activations).toBe("kept");
  const { memory, time, communication, input } = planRun({ ...recipe, ...sparing }, planFor);
  const [gigabytes, cached] = [memory.total / 1e9, input!.cache!.bytesPerSecond / 1e9];
  const cells = [
    `\`${name}\``,
    processes,
    sparing.accumulation,
    gigabytes.toFixed(1),
    (memory.activations / 1e9).toFixed(1),
    (communication.total / 1e9).toFixed(1),
    time.stepSeconds.toPrecision(3),
    time.imbalance.toFixed(2),
    time.imagesPerSecond.toFixed(0),
    (time.runSeconds / 86_400).toFixed(1),
    cached.toFixed(2),
    Math.ceil(input!.decodingCores),
  ];
  return `| ${cells.join(" | ")} |`;
}

describe("the page on scaling", () => {
  it.each(["dream-b", "dream-l", "dream-h", "dream-g"])("has what is planned for %s", (name) => {
    for (const processes of [1, 8, 32]) expect(page).toContain(row(name, processes));
  });
});
