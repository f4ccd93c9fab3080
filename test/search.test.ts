import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../src/formats/images.js";
import { loudRun } from "./loud-run.js";
import { command, dream, linesOf } from "./process.js";

let run: string;
let pictures: string;

const count = 1000;

beforeAll(async () => {
  run = await loudRun();
  pictures = mkdtempSync(join(tmpdir(), "dream-pictures-"));
  for (let i = 0; i < count; i++) {
    const folder = join(pictures, String(i % 7));
    mkdirSync(folder, { recursive: true });
    const data = new Uint8Array(32 * 32 * 3).map((_, at) => (at * (i % 50) + 3 * i) % 256);
    writeFileSync(join(folder, `${i}.png`), await encodePng({ width: 32, height: 32, data }));
  }
});

const newIndex = (): string => join(mkdtempSync(join(tmpdir(), "dream-index-")), "pictures.index");

describe("dream index and dream search", () => {
  it("make a folder's pictures findable by a sentence, or a picture", async () => {
    const index = newIndex();
    const made = await dream(["index", pictures, "--model", run, "--index", index, "--json"]);
    expect(JSON.parse(made.out)).toEqual({ added: count, unchanged: 0, removed: 0, broken: [], count });
    const again = await dream(["index", pictures, "--model", run, "--index", index]);
    expect(again).toMatchObject({ code: 0, err: expect.stringContaining(`0 added, ${count} unchanged`) });
    const found = await dream(["search", "a red circle", "--index", index, "-n", "3", "--json"]);
    const lines = linesOf<{ path: string; score: number }>(found.out);
    expect(lines).toHaveLength(3);
    const like = await dream(["search", "--image", lines[0]!.path, "--index", index, "-n", "1", "--json"]);
    expect(linesOf<{ score: number }>(like.out)[0]!.score).toBeCloseTo(1, 5);
    const both = await dream(["search", "a", "--image", lines[0]!.path, "--index", index]);
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining("a sentence or --image") });
    const none = await dream(["search", "a", "--index", pictures]);
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining("dream index") });
  }, 120_000);

  it("lose no finished record where indexing is killed, and go on there", async () => {
    const index = newIndex();
    let before = 0;
    for (let kill = 0; kill < 4; kill++) {
      const [program, ...args] = command(["index", pictures, "--model", run, "--index", index]);
      const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
      let [progress, told] = ["", false];
      child.stderr.on("data", (data) => {
        progress += String(data);
        // At another moment each time after the first pictures.
        if (!told && /Embedding (\d+)/.test(progress)) setTimeout(() => child.kill("SIGKILL"), 40 * kill);
        told ||= /Embedding/.test(progress);
      });
      await once(child, "exit");
      const reported = [...progress.matchAll(/Embedding (\d+)\//g)].map(([, done]) => Number(done));
      const finished = before + (reported.at(-1) ?? 0);
      const opened = await dream(["search", "a red circle", "--index", index, "-n", String(count), "--json"]);
      const records = linesOf<{ path: string }>(opened.out).length;
      expect(records).toBeGreaterThanOrEqual(finished);
      before = records;
    }
    expect(before).toBeLessThan(count);
    const rest = await dream(["index", pictures, "--model", run, "--index", index, "--json"]);
    expect(JSON.parse(rest.out)).toMatchObject({ added: count - before, unchanged: before, count });
    rmSync(index, { recursive: true });
  }, 120_000);
});
