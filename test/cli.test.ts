import { describe, expect, it } from "vitest";
import type { RunPlan } from "../src/plan/run-plan.js";
import { dream } from "./process.js";

const verbs = [
  "demo",
  "train",
  "generate",
  "embed",
  "evaluate",
  "compare",
  "data",
  "cache",
  "convert",
  "plan",
  "doctor",
];

describe("the command", () => {
  it.concurrent.each([[[]], ...verbs.map((verb) => [[verb]]), [["data", "scenes"]]])(
    "explains itself: %s",
    async (verb) => {
      const { code, out } = await dream([...verb, "--help"]);
      expect(code).toBe(0);
      expect(out).toMatch(/Usage: dream/);
      if (verb.length > 0 && verb.join() !== "data") expect(out).toMatch(/Examples?:/);
    },
  );

  it.concurrent.each([
    ["nonsense"],
    ["doctor --nonsense"],
    ["demo extra"],
    ["demo --minutes soon"],
    ["train"],
    ["train dream-l"],
    ["cache --data x"],
    ["cache --data x --out y --part 5/4"],
    ["convert x"],
    ["plan"],
    ["plan dream-b --devices 0"],
    ["plan dream-b --device tpu"],
    ["plan dream-b --efficiency 2"],
    ["plan dream-b --device cuda"],
    ["convert x y --ema --live"],
    ["generate --prompt x"],
    ["generate --model runs/none --prompt x --candidates 0"],
    ["generate --model runs/none --prompt x --candidates many"],
    ["generate --model runs/none --prompt x --select-at 1.5"],
    ["generate --model runs/none --prompt x -n 0"],
    ["embed --model runs/none"],
    ["data scenes --level 4 --out x"],
    ["data scenes --count 0 --out x"],
    ["data scenes"],
  ])("exits with 2 and a word of help for: %s", async (line) => {
    const { code, err, out } = await dream(line.split(" "));
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(/error: |--help|expected/i);
  });

  it("names the nearest recipe for an unknown one, and exits with 2", async () => {
    const { code, err } = await dream(["train", "scene-nano"]);
    expect(err).toMatch(/Did you mean "scenes-nano"\?/);
    expect(code).toBe(2);
  });

  it("plans a run on paper, and says whether it fits by its exit code", async () => {
    const line = "plan dream-l --devices 32 --device cuda --rate 650 --bandwidth 50 --memory";
    const fits = await dream([...line.split(" "), "80", "--json"]);
    expect(fits.code).toBe(0);
    const planned = JSON.parse(fits.out) as RunPlan;
    expect(planned).toMatchObject({ recipe: "dream-l", verdict: { fits: true } });
    expect(planned.parameters.total).toBe(635_989_793);
    const small = await dream([...line.split(" "), "40"]);
    expect(small.code).toBe(1);
    expect(small.out).toBe("");
    expect(small.err).toMatch(/does not fit: accumulation: \d+ would fit/);
  });

  it("reports the engine", async () => {
    const { code, out } = await dream(["doctor", "--json"]);
    expect(code).toBe(0);
    const report = JSON.parse(out) as Record<string, number>;
    for (const key of ["float32Gflops", "bfloat16Gflops", "operatorMicroseconds", "threads"])
      expect(report[key], key).toBeGreaterThan(0);
  });

  it("checks recordings in one line", async () => {
    const { code, out } = await dream(["doctor", "--golden", "test/golden", "--json"]);
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(out)).toMatchObject({ failed: 0, skipped: 0 });
    expect(JSON.parse(out).checked).toBeGreaterThan(150);
  });

  it("says in a sentence what is wrong, and exits with 1", async () => {
    const { code, err } = await dream(["doctor", "--golden", "nowhere"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^dream: open recordings nowhere: .*name a folder/is);
    const offline = { HF_HUB_OFFLINE: "1" };
    const missing = await dream(
      ["generate", "--model", "runs/none", "--prompt", "a red circle"],
      undefined,
      offline,
    );
    expect(missing.code).toBe(1);
    expect(missing.err).toMatch(/open runs\/none: .*no such folder.*name a model's folder/is);
  });
});
