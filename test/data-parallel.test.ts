/** @file Training in several real processes on loopback: the step of one process, deaths, and how such a run goes on. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openSafetensors } from "../src/formats/safetensors.js";
import type { JournalEntry } from "../src/train/journal.js";
import { dream, linesOf, root } from "./process.js";

const folder = (): string => mkdtempSync(join(tmpdir(), "dream-parallel-"));

/**
 * Six steps in float32, whose rounding they are held to, without dropout, whose stream is each process's own. Their rate is low, because Adam makes steps of full length out of a
 * gradient that is rounding alone (of biases that BatchNorm takes away again).
 */
const rate = 1e-5;
const settings = [
  ...["scenes-test", "--steps", "6", "--set", "precision=float32"],
  ...["--set", "model.dropout={attention: 0, projection: 0}"],
  ...["--set", `learningRate={kind: constant, peak: ${rate}, minimum: 0, warmupEpochs: 0, totalEpochs: 1}`],
];
const quick = { OMP_NUM_THREADS: "1" };

const whole = join(folder(), "one");
beforeAll(async () => {
  const { code, err } = await dream(["train", ...settings, "--out", whole], undefined, quick);
  expect(code, err).toBe(0);
});

const journalOf = (run: string): JournalEntry[] =>
  linesOf<JournalEntry>(readFileSync(join(run, "metrics.jsonl"), "utf8"));

/** A tensor of a run's last checkpoint. */
function tensorsOf(run: string): Map<string, Float32Array> {
  const checkpoints = join(run, "checkpoints");
  const last = readdirSync(checkpoints)
    .filter((name) => name.startsWith("step-"))
    .sort()
    .at(-1)!;
  const { tensors } = openSafetensors(join(checkpoints, last, "state.safetensors"));
  return new Map(
    [...tensors]
      .filter(([, { dtype }]) => dtype === "F32")
      .map(([name, { bytes }]) => [name, new Float32Array(bytes().slice().buffer)]),
  );
}

/** The same to float32 rounding. */
function expectAlike(run: string, expected = whole): void {
  const [one, many] = [journalOf(expected), journalOf(run)];
  expect(many.map(({ step }) => step)).toEqual(one.map(({ step }) => step));
  for (const [i, entry] of one.entries())
    for (const key of [
      "generativeLoss",
      "contrastiveLoss",
      "maskRatio",
      "contrastiveShare",
      "gradientNorm",
      "learningRate",
    ] as const)
      expect(Math.abs(many[i]![key] - entry[key]), `${key} of step ${i}`).toBeLessThan(
        2e-5 * Math.max(1, entry[key]),
      );
  const [mine, theirs] = [tensorsOf(expected), tensorsOf(run)];
  expect([...theirs.keys()]).toEqual([...mine.keys()]);
  for (const [name, values] of mine) {
    const other = theirs.get(name)!;
    const apart = Math.sqrt(
      values.reduce((sum, value, i) => sum + (value - other[i]!) ** 2, 0) / values.length,
    );
    const size = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    const rounding = name.startsWith("optimiser.") ? 1e-7 : 6 * rate;
    expect(apart, name).toBeLessThan(1e-4 * size + rounding);
  }
}

describe("several processes", () => {
  it.each(["2", "4"])("take the steps of one: %s of them", async (count) => {
    const out = join(folder(), "run");
    const { code, err } = await dream(
      ["train", ...settings, "--out", out, "--processes", count],
      undefined,
      quick,
    );
    expect(code, err).toBe(0);
    expect(err.match(/Trained 6 steps/g)).toHaveLength(1);
    expectAlike(out);
    const [last] = readdirSync(join(out, "checkpoints")).filter((name) => name.startsWith("step-"));
    const notes = JSON.parse(readFileSync(join(out, "checkpoints", last!, "checkpoint.json"), "utf8"));
    expect(notes).toMatchObject({ processes: Number(count) });
  });

  it("refuse a batch that they cannot share", async () => {
    const { code, err } = await dream(
      ["train", ...settings, "--out", join(folder(), "x"), "--processes", "3"],
      undefined,
      quick,
    );
    expect(code).toBe(1);
    expect(err).toMatch(/multiple of 3|divides or is divided by/);
  });

  it("take them in rounds, with activations computed again", async () => {
    const out = join(folder(), "run");
    const sparing = ["--set", "accumulation=2", "--set", "activations=recomputed"];
    const { code, err } = await dream(
      ["train", ...settings, ...sparing, "--out", out, "--processes", "2"],
      undefined,
      quick,
    );
    expect(code, err).toBe(0);
    expectAlike(out);
  });

  it("keep what a step without finite losses was made of, once, before all of them end", async () => {
    const out = join(folder(), "run");
    const absurd = ["scenes-test", "--set", "learningRate.peak=1e30", "--processes", "2"];
    const { code, err } = await dream(["train", ...absurd, "--out", out], undefined, quick);
    expect(code).toBe(1);
    expect(err.match(/dream: training step/g)).toHaveLength(1);
    expect(err).toMatch(/samples and the state are in .*step-00000002/);
    const kept = join(out, "non-finite", "step-00000002");
    const { samples } = JSON.parse(readFileSync(join(kept, "batch.json"), "utf8"));
    expect(samples).toHaveLength(16);
    expect(openSafetensors(join(kept, "state.safetensors")).tensors.size).toBeGreaterThan(100);
  });

  it("stop together at Ctrl-C, saved, and go on as if they had not", async () => {
    const longer = ["scenes-test", "--steps", "40", ...settings.slice(3)];
    const undisturbed = join(folder(), "run");
    expect((await dream(["train", ...longer, "--out", undisturbed], undefined, quick)).code).toBe(0);
    const out = join(folder(), "run");
    const many = ["train", ...longer, "--out", out, "--processes", "2"];
    const stopped = await dream(many, /Training \d+/, quick);
    expect(stopped.code, stopped.err).toBe(130);
    expect(stopped.err).toMatch(/Saved before step \d+\. To go on: dream train .*--processes 2/);
    const gone = await dream(many, undefined, quick);
    expect(gone.code, gone.err).toBe(0);
    expect(gone.err).toMatch(/Going on from step/);
    expectAlike(out, undisturbed);
  });
});

/** A process of a team of two that was started by hand, with torchrun's variables. */
function member(
  rank: number,
  port: number,
  out: string,
): { child: ChildProcess; end: Promise<{ code: number | null; err: string }> } {
  const child = spawn(
    process.execPath,
    [join(root, "dist/cli/main.js"), "train", "scenes-test", ...settings.slice(3), "--out", out],
    {
      cwd: root,
      env: {
        ...process.env,
        ...quick,
        RANK: String(rank),
        LOCAL_RANK: String(rank),
        WORLD_SIZE: "2",
        LOCAL_WORLD_SIZE: "2",
        MASTER_ADDR: "127.0.0.1",
        MASTER_PORT: String(port),
      },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let err = "";
  child.stderr!.on("data", (data) => {
    err += String(data);
  });
  return { child, end: new Promise((resolve) => child.on("close", (code) => resolve({ code, err }))) };
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

describe("processes that something else started", () => {
  it("find each other by torchrun's variables, one of them late; one killed mid-step ends the other with a word", async () => {
    const [out, port] = [join(folder(), "run"), await freePort()];
    const first = member(0, port, out);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const second = member(1, port, out);
    await new Promise<void>((resolve) => {
      let err = "";
      first.child.stderr!.on("data", (data) => {
        err += String(data);
        if (/Training \d+/.test(err)) resolve();
      });
    });
    second.child.kill("SIGKILL");
    const { code, err } = await first.end;
    expect(code).toBe(1);
    expect(err).toMatch(/dream: .*process/);
    // What was saved is whole, or nothing was saved yet.
    await second.end;
  });

  it("say that a port is in use", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const { code, err } = await member(0, port, join(folder(), "run")).end;
    server.close();
    expect(code).toBe(1);
    expect(err).toMatch(/MASTER_PORT/);
  });
});
