/** @file The peer as a process that answers one request at a time, so that both sides take turns and never run together. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { packageRoot } from "../src/tensor/index.js";

/** A peer that answers, or why there is none. */
export type Peer =
  | {
      readonly kind: "ready";
      /** Seconds of one round of a case. */
      measure(name: string): Promise<number>;
      /** An answer to anything else that a peer understands. */
      ask(request: object): Promise<Record<string, unknown>>;
      close(): void;
    }
  | { readonly kind: "missing"; readonly install: string };

/** The one in use, and the system's, which the distribution's packages belong to. */
const interpreters = ["python3", "/usr/bin/python3"];

/**
 * Starts a peer with the first Python that has what it needs.
 * @param script a file below `bench/peer`
 * @param install what a person does to have what it needs
 * @param args what it is told: how many threads or processes both sides may use, and where its data is
 */
export async function startPeer(
  script: string,
  install: string,
  threads: number,
  args: readonly string[],
): Promise<Peer> {
  for (const interpreter of interpreters) {
    const peer = await tryPeer(interpreter, script, threads, args);
    if (peer !== null) return peer;
  }
  return { kind: "missing", install };
}

async function tryPeer(
  interpreter: string,
  script: string,
  threads: number,
  args: readonly string[],
): Promise<Peer | null> {
  const { blas } = JSON.parse(readFileSync(join(packageRoot(), "build", "engine.json"), "utf8")) as {
    blas: string | null;
  };
  // The peer's best configuration: the BLAS that shares libtorch's threads.
  const path = [blas, process.env.LD_LIBRARY_PATH].filter((part) => part).join(":");
  const child = spawn(interpreter, [join(packageRoot(), "bench", "peer", script), String(threads), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, LD_LIBRARY_PATH: path, OMP_NUM_THREADS: String(threads) },
  });
  const failed = new Promise<never>((_, reject) => child.on("error", reject));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done) throw new Error(`the peer ${script} ended without an answer`);
    return JSON.parse(value) as Record<string, unknown>;
  };
  try {
    if ((await answer()).missing !== undefined) return null;
  } catch {
    return null;
  }
  const ask = async (request: object): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return answer();
  };
  return {
    kind: "ready",
    ask,
    measure: async (name) => Number((await ask({ case: name })).seconds),
    close: () => child.stdin.end(),
  };
}
