import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { localModel, weightsFile } from "../recipe/model-folder.js";
import { readRecipe, recipeOf } from "../recipe/recipe.js";
import { prepareScenes } from "../recipe/scenes-data.js";
import { Journal } from "../train/journal.js";
import { type Training, type TrainingHooks, trainAtOnce } from "./train-at-once.js";

const quiet: TrainingHooks<Training> = {
  onStart: () => {},
  onStep: () => {},
  signal: new AbortController().signal,
};

describe("systems trained at a time", () => {
  const folder = mkdtempSync(join(tmpdir(), "dream-test-"));
  const data = join(folder, "data");
  const recipe = { ...recipeOf("scenes", readRecipe("scenes-test")), epochs: 1 };

  const training = (title: string, run = join(folder, title)): Training => ({
    title,
    order: { recipe, run, data },
  });
  const steps = (title: string) => new Journal(join(folder, title, "metrics.jsonl")).read();

  beforeAll(async () => {
    await prepareScenes(recipe, data, { locate: localModel });
  });

  it("come to their ends, alike where they are alike", async () => {
    const started: string[] = [];
    const onStart = ({ title }: Training): void => void started.push(title);
    const trainings = ["one", "two", "three"].map((title) => training(title));
    expect(await trainAtOnce(trainings, { ...quiet, onStart })).toBe(true);
    expect(started.toSorted()).toEqual(["one", "three", "two"]);
    const losses = (title: string) => steps(title).map(({ generativeLoss }) => generativeLoss);
    expect(losses("one").length).toBeGreaterThan(4);
    expect(losses("two")).toEqual(losses("one"));
    expect(existsSync(join(folder, "three", weightsFile))).toBe(true);
  });

  it("save when they are stopped, and go on there", async () => {
    const stop = new AbortController();
    const trainings = ["early", "late"].map((title) => training(title));
    const onStep = (): void => stop.abort();
    expect(await trainAtOnce(trainings, { ...quiet, onStep, signal: stop.signal })).toBe(false);
    const firsts: number[] = [];
    const onStart = (_: Training, firstStep: number): void => void firsts.push(firstStep);
    expect(await trainAtOnce(trainings, { ...quiet, onStart })).toBe(true);
    expect(Math.max(...firsts)).toBeGreaterThan(0);
    expect(steps("early").map(({ generativeLoss }) => generativeLoss)).toEqual(
      steps("late").map(({ generativeLoss }) => generativeLoss),
    );
  });

  it("name one whose process the system ended, and go on where it was", async () => {
    let doomed: number | undefined;
    const onStart = (): void => {
      const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8");
      doomed = Number(children.trim().split(" ").at(-1));
      process.kill(doomed, "SIGKILL");
    };
    await expect(trainAtOnce([training("doomed")], { ...quiet, onStart })).rejects.toThrow(
      /^train doomed: its process ended with SIGKILL before it was done\. What it saved is kept/,
    );
    expect(doomed).toBeGreaterThan(0);
    expect(await trainAtOnce([training("doomed")], quiet)).toBe(true);
  });

  it("save and end where one fails, which is named with its reason", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const trainings = [training("broken", join(file, "run")), training("whole")];
    await expect(trainAtOnce(trainings, quiet)).rejects.toThrow(/^train broken: .*file/);
    expect(await trainAtOnce([training("whole")], quiet)).toBe(true);
  });
});
