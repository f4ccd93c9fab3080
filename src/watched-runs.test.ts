import { appendFileSync, mkdirSync, mkdtempSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Journal, type JournalEntry } from "./train/journal.js";
import { WatchedRuns } from "./watched-runs.js";

const entry = (step: number): JournalEntry => ({
  step,
  epoch: step / 10,
  generativeLoss: 1 / (1 + step),
  contrastiveLoss: step,
  alignmentLoss: null,
  totalLoss: 1,
  maskRatio: 0.5,
  contrastiveShare: 1,
  generativeShare: 1,
  gradientNorm: 1,
  learningRate: 0.001,
  imagesPerSecond: 10,
  seconds: 1,
  ceilingShare: null,
});

function runIn(folder: string, name: string, steps: number): Journal {
  const journal = new Journal(join(folder, name, "metrics.jsonl"));
  for (let step = 0; step < steps; step++) journal.append(entry(step));
  return journal;
}

describe("runs that are watched", () => {
  it("are found below the folder, with what they drew", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-runs-"));
    runIn(folder, "demo", 3);
    const old = runIn(folder, "comparison/runs/clip-1", 5);
    utimesSync(old.path, 1, 1);
    mkdirSync(join(folder, "demo", "samples"));
    writeFileSync(join(folder, "demo", "samples", "step-00000200.png"), "a grid");
    writeFileSync(join(folder, "demo", "samples", "step-00000200.png.1.partial"), "half");
    const runs = new WatchedRuns(folder);
    expect(await runs.list()).toEqual([
      { name: "comparison/runs/clip-1", recipe: null, steps: 5, share: null, live: false, samples: [] },
      { name: "demo", recipe: null, steps: 3, share: null, live: true, samples: [200] },
    ]);
    expect(Buffer.from((await runs.sample("demo", 200))!).toString()).toBe("a grid");
    expect(await runs.sample("demo", 400)).toBeNull();
    for (const outside of ["..", "../demo", "demo/samples", "", "comparison"]) {
      expect(await runs.curves(outside, 10)).toBeNull();
      expect(await runs.sample(outside, 200)).toBeNull();
    }
  });

  it("are read on where they grow, and anew where a resumed run cut them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-runs-"));
    const journal = runIn(folder, "one", 4);
    const runs = new WatchedRuns(folder);
    const steps = async (): Promise<readonly number[]> => (await runs.curves("one", 100))!.step;
    expect(await steps()).toEqual([0, 1, 2, 3]);
    journal.append(entry(4));
    const [half, rest] = [JSON.stringify(entry(5)).slice(0, 20), JSON.stringify(entry(5)).slice(20)];
    appendFileSync(journal.path, half);
    expect(await steps()).toEqual([0, 1, 2, 3, 4]);
    appendFileSync(journal.path, `${rest}\n`);
    expect(await steps()).toEqual([0, 1, 2, 3, 4, 5]);
    await journal.cutFrom(2);
    expect(await steps()).toEqual([0, 1]);
    expect((await runs.list())[0]).toMatchObject({ steps: 2 });
    // Also where it has grown past what was read before anybody looks.
    await journal.cutFrom(1);
    for (let step = 10; step < 20; step++) journal.append(entry(step));
    expect(await steps()).toEqual([0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it("have curves of few points, each the mean of the steps before it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-runs-"));
    runIn(folder, "long", 1000);
    const { step, curves } = (await new WatchedRuns(folder).curves("long", 10))!;
    expect(step).toEqual([99, 199, 299, 399, 499, 599, 699, 799, 899, 999]);
    expect(curves.contrastiveLoss[0]).toBeCloseTo(49.5, 10);
    expect(curves.maskRatio).toEqual(Array(10).fill(0.5));
  });

  it("are none in an empty folder, and an error where there is no folder", async () => {
    expect(await new WatchedRuns(mkdtempSync(join(tmpdir(), "dream-runs-"))).list()).toEqual([]);
    expect(() => new WatchedRuns("/nowhere/at/all")).toThrow(/nowhere.*a folder of runs/);
  });

  it("are shown beside one whose journal cannot be read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-runs-"));
    runIn(folder, "one", 4);
    mkdirSync(join(folder, "broken", "metrics.jsonl"), { recursive: true });
    expect((await new WatchedRuns(folder).list()).map(({ name }) => name)).toEqual(["one"]);
  });
});
