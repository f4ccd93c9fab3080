import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { type Finished, linesOf, root } from "./process.js";

const script = join(root, "test", "team-member.mjs");
const folder = mkdtempSync(join(tmpdir(), "dream-team-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface Started {
  readonly pid: number;
  readonly finished: Promise<Finished>;
  /** Resolves once stderr says it. */
  said(what: RegExp): Promise<void>;
}

function start(args: readonly string[], environment: Readonly<Record<string, string>>): Started {
  const env = { ...process.env, OMP_NUM_THREADS: "1", ...environment };
  const child = spawn(process.execPath, [script, ...args], { env });
  children.push(child);
  let [out, err] = ["", ""];
  child.stdout.on("data", (data) => {
    out += String(data);
  });
  child.stderr.on("data", (data) => {
    err += String(data);
  });
  return {
    pid: child.pid!,
    finished: new Promise((resolve) => {
      child.on("close", (code) => resolve({ code, out, err }));
    }),
    said: async (what) => {
      while (!what.test(err)) await pause(10);
    },
  };
}

function member(rank: number, size: number, port: number, more: Readonly<Record<string, string>> = {}) {
  return {
    RANK: String(rank),
    LOCAL_RANK: String(rank),
    WORLD_SIZE: String(size),
    LOCAL_WORLD_SIZE: String(size),
    MASTER_ADDR: "localhost",
    MASTER_PORT: String(port),
    ...more,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Every process of a team, started by its variables. */
async function team(size: number, scene: string): Promise<Finished[]> {
  const port = await freePort();
  return Promise.all(
    Array.from({ length: size }, (_, rank) => start([scene], member(rank, size, port)).finished),
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A launcher of several, and the numbers of the processes that it started. */
function launch(size: number, scene: string) {
  const file = join(folder, `${scene}-${Math.random()}`);
  const started = start([scene, file, "--processes", String(size)], {});
  return {
    ...started,
    pids: () => readFileSync(file, "utf8").trim().split("\n").map(Number),
  };
}

describe("a group of processes", () => {
  it.each([2, 4])("of %d reduces, broadcasts and gathers", async (size) => {
    const ranks = Array.from({ length: size }, (_, rank) => rank);
    const total = (size * (size + 1)) / 2;
    for (const [rank, { code, out, err }] of (await team(size, "collectives")).entries()) {
      expect(err).toBe("");
      expect(code).toBe(0);
      expect(JSON.parse(out)).toEqual({
        rank,
        sum: [total, 2 * size],
        max: [size - 1, 0],
        column: [total - size, size, 0, 2 * (total - size)],
        sent: [[1, 1.5], [6], [1, 0, 1], [1, 4, 2, 5, 3, 6]],
        large: [
          [1, 1],
          [2, 2],
        ],
        gathered: ranks.flatMap((one) => [one, 10 * one]),
        gradient: [2 * rank, 20 * rank],
        refused: "all-reduce: tensors of Bool are not reduced across processes",
      });
    }
  });

  it.each([2, 3])("of %d averages gradients as one process does", async (size) => {
    for (const { code, out, err } of await team(size, "gradients")) {
      expect(err).toBe("");
      expect(code).toBe(0);
      const [worst, errors] = linesOf<Record<string, number>>(out);
      expect(Object.keys(worst!)).toEqual(["everywhere", "accumulated", "different"]);
      // A few roundings of float32, in another order.
      for (const difference of Object.values(worst!)) expect(difference).toBeLessThan(5e-7);
      expect(errors).toEqual([
        "exchange gradients: no exchange of gradients was begun",
        "begin the exchange of gradients: the exchange before this one was not finished",
        expect.stringMatching(
          /^backward: got parameter \d+ got a gradient after its own had been given away/,
        ),
        expect.stringMatching(/^exchange gradients: parameter \d+ got a gradient/),
      ]);
    }
  });

  it("ends in seconds where one process is killed", async () => {
    const [first, killed, third] = await team(3, "killed");
    expect(killed!.code).toBe(null);
    for (const { code, out, err } of [first!, third!]) {
      expect(code).toBe(3);
      const said = JSON.parse(out) as { code: string; message: string; seconds: number };
      expect(said.code).toBe("peer");
      expect(said.message).toMatch(
        /^exchange gradients: another process ended \(.*Look at what that process/,
      );
      expect(said.seconds).toBeLessThan(10);
      expect(err).toBe(`dream: ${said.message}\n`);
    }
  });

  it.each([0, 1])("waits where process %d starts late", async (late) => {
    const port = await freePort();
    const early = start(["joins"], member(1 - late, 2, port));
    await pause(1500);
    const both = [early, start(["joins"], member(late, 2, port))];
    const ended = await Promise.all(both.map(({ finished }) => finished));
    expect(ended.map(({ code, err }) => [code, err])).toEqual([
      [0, ""],
      [0, ""],
    ]);
  });

  it("says so where the port is in use", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const { code, err } = await start(["joins"], member(0, 2, port)).finished;
    server.close();
    expect(code).toBe(3);
    expect(err).toBe(
      `dream: wait for the other processes: expected port ${port} of 127.0.0.1 to be free, got another program that listens on it. ` +
        "Set MASTER_PORT to another one, the same for all processes\n",
    );
  });

  const outside = Object.values(networkInterfaces())
    .flatMap((one) => one ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  it.skipIf(outside === undefined)("meets beyond loopback, as several machines do", async () => {
    const port = await freePort();
    const alone = { LOCAL_RANK: "0", LOCAL_WORLD_SIZE: "1", MASTER_ADDR: outside! };
    const both = [1, 0].map((rank) => start(["joins"], member(rank, 2, port, alone)).finished);
    for (const { code, err } of await Promise.all(both)) {
      expect(err).toBe("");
      expect(code).toBe(0);
    }
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(port, "0.0.0.0", resolve);
    });
    const { code, err } = await start(["joins"], member(0, 2, port, alone)).finished;
    server.close();
    expect(code).toBe(3);
    expect(err).toMatch(/^dream: join the other processes: expected a free port/m);
  });
});

describe("processes that were started together", () => {
  it("end with 0 when all are done", async () => {
    const { code, out, err } = await launch(2, "joins").finished;
    expect([code, out, err]).toEqual([0, '{"rank":0,"size":2}\n', ""]);
  });

  it("end with the first that fails, whose message comes first and alone", async () => {
    const launched = launch(3, "fails");
    const { code, err } = await launched.finished;
    expect(err).toBe("[1] dream: step: this one went wrong\n");
    expect(code).toBe(3);
    expect(launched.pids()).toHaveLength(3);
    expect(launched.pids().filter(isAlive)).toEqual([]);
  });

  it("end with one that is killed", async () => {
    const launched = launch(2, "killed");
    const { code, err } = await launched.finished;
    expect(err).toBe("[1] was ended by SIGKILL.\n");
    expect(code).toBe(137);
    expect(launched.pids().filter(isAlive)).toEqual([]);
  });

  it("stop together at a signal", async () => {
    const launched = launch(2, "waits");
    await launched.said(/process 0 is ready/);
    await launched.said(/\[1\] process 1 is ready/);
    process.kill(launched.pid, "SIGTERM");
    const { code, err } = await launched.finished;
    expect(code).toBe(143);
    expect(err).toMatch(/Saved before step \d+/);
    expect(launched.pids().filter(isAlive)).toEqual([]);
  });

  it("end where the one that started them is killed", async () => {
    const launched = launch(2, "waits");
    await launched.said(/\[1\] process 1 is ready/);
    await launched.said(/process 0 is ready/);
    process.kill(launched.pid, "SIGKILL");
    const pids = launched.pids();
    expect(pids).toHaveLength(2);
    for (let waited = 0; waited < 10_000 && pids.some(isAlive); waited += 50) await pause(50);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});
