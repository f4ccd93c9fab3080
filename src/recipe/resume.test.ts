import { mkdtempSync, readdirSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { writeCheckpoint } from "../train/checkpoint-folder.js";
import { readRecipe } from "./recipe.js";
import { differencesOf, notesOf, resumption } from "./resume.js";

const recipe = readRecipe("scenes-test");
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "dream-resume-"));
  for (const step of [1, 2])
    await writeCheckpoint(folder, [], { ...notesOf(recipe, 1), step, optimiserSteps: step });
});
const damage = (step: number): void =>
  truncateSync(join(folder, `step-0000000${step}`, "checkpoint.json"), 9);

describe("going on", () => {
  it("takes the newest whole checkpoint and sets newer ones aside", async () => {
    damage(2);
    const { checkpoint, damaged } = await resumption(folder, recipe);
    expect(checkpoint!.notes.step).toBe(1);
    expect(damaged.map(({ name }) => name)).toEqual(["damaged-step-00000002"]);
    expect(damaged[0]!.reason).toMatch(/checkpoint\.json/);
    expect(readdirSync(folder).sort()).toEqual(["damaged-step-00000002", "latest", "step-00000001"]);
  });

  it("is refused from another recipe, which is told by what differs, and from damaged ones alone; nothing is changed", async () => {
    const before = readdirSync(folder).sort();
    damage(2);
    const other = { ...recipe, seed: 8, learningRate: { ...recipe.learningRate, peak: 1 } };
    await expect(resumption(folder, other)).rejects.toThrow(
      /step-00000001: expected a run of recipe .*which differs in seed \(7 there, 8 here\), learningRate\.peak \(0\.002 there, 1 here\)\. Choose another folder/,
    );
    damage(1);
    await expect(resumption(folder, recipe)).rejects.toThrow(/only damaged ones/);
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it("does not mind how memory is spared, how often is saved and what is drawn on the way", async () => {
    const other = {
      ...recipe,
      accumulation: 2,
      activations: "recomputed" as const,
      checkpoints: { everyMinutes: 60, kept: 9 },
      samples: { everySteps: 5, captions: ["a red circle"] },
    };
    expect((await resumption(folder, other)).checkpoint!.notes.step).toBe(2);
  });

  it("tells where recipes differ, entries that only one has too", () => {
    expect(differencesOf(recipe, structuredClone(recipe))).toEqual([]);
    expect(differencesOf({ a: { b: [1, 2], c: 1 } }, { a: { b: [1, 3] }, d: null })).toEqual([
      "a.b ([1,2] there, [1,3] here)",
      "a.c (1 there, nothing here)",
      "d (nothing there, null here)",
    ]);
  });
});
