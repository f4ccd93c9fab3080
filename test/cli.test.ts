import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: { dream: string } };

interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function dream(...args: string[]): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, bin.dream), ...args], { cwd: root }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

describe("the command", () => {
  it.each([[["--help"]], [["doctor", "--help"]], [["demo", "--help"]]])(
    "explains itself: %s",
    async (args) => {
      const { code, out } = await dream(...args);
      expect(code).toBe(0);
      expect(out).toMatch(/Usage: dream/);
      if (args.length > 1) expect(out).toMatch(/Examples?:/);
    },
  );

  it.each([[["nonsense"]], [["doctor", "--nonsense"]], [["demo", "extra"]]])(
    "exits with 2 for %s",
    async (args) => {
      const { code, err } = await dream(...args);
      expect(code).toBe(2);
      expect(err).toMatch(/error: /);
    },
  );

  it("reports the engine", async () => {
    const { code, out } = await dream("doctor", "--json");
    expect(code).toBe(0);
    const report = JSON.parse(out) as Record<string, number>;
    for (const key of ["float32Gflops", "bfloat16Gflops", "operatorMicroseconds", "threads"])
      expect(report[key], key).toBeGreaterThan(0);
  });

  it("checks recordings in one line", async () => {
    const { code, out } = await dream("doctor", "--golden", "test/golden", "--json");
    expect(code).toBe(0);
    expect(out.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(out)).toMatchObject({ failed: 0, skipped: 0 });
    expect(JSON.parse(out).checked).toBeGreaterThan(150);
  });

  it("says in a sentence what is wrong, and exits with 1", async () => {
    const { code, err } = await dream("doctor", "--golden", "nowhere");
    expect(code).toBe(1);
    expect(err).toMatch(/^dream: open recordings nowhere: .*name a folder/is);
    expect((await dream("demo", "--recipe", "scene-nano")).err).toMatch(/Did you mean "scenes-nano"\?/);
  });

  it("saves at the first Ctrl-C and says how to go on; the second run goes on", async () => {
    const out = mkdtempSync(join(tmpdir(), "dream-demo-"));
    const run = (stopAfter: RegExp | null): Promise<Finished> =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [
          join(root, bin.dream),
          "demo",
          "--recipe",
          "scenes-test",
          "--out",
          out,
        ]);
        let [text, stopped] = ["", false];
        child.stderr.on("data", (data) => {
          text += String(data);
          if (!stopped && stopAfter?.test(text)) {
            stopped = true;
            child.kill("SIGINT");
          }
        });
        child.on("close", (code) => resolve({ code, out: "", err: text }));
      });
    const first = await run(/Training \d+/);
    expect(first.code).toBe(130);
    expect(first.err).toMatch(/Saved before step \d+\. To go on: dream demo --out/);
    const second = await run(null);
    expect(second.err).toMatch(/Going on from step \d+/);
    expect(second.code).toBe(0);
    const lines = readFileSync(join(out, "metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { step: number });
    expect(lines.map(({ step }) => step)).toEqual(lines.map((_, i) => i));
    expect(readFileSync(join(out, "grid.png")).subarray(1, 4).toString()).toBe("PNG");
  }, 180_000);
});
