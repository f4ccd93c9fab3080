/** @file A server process of a network like the demo's, and what of it must hold under load. */
import { once } from "node:events";
import { expect } from "vitest";
import { expectedOf, type LoadReport, type LoadRequest, load, quantile } from "../bench/load.js";
import { startServer } from "../bench/serve.js";
import { loudRun } from "./loud-run.js";

export interface LoadedServer {
  readonly address: string;
  readonly requests: readonly LoadRequest[];
  /** Megabytes that the process holds. */
  memory(): Promise<number>;
  /** Of the engine's figures. */
  figure(what: string): Promise<number>;
  end(): Promise<void>;
}

/** The demo's network with random weights: what a picture costs is the same. */
export async function loadedServer(): Promise<LoadedServer> {
  const run = await loudRun("scenes-nano", ["data.train=640", "data.heldOut=64"]);
  const { server, address } = await startServer(run);
  const bodies = Array.from({ length: 12 }, (_, seed) => ({
    prompt: "a large red circle in the centre on a plain background",
    seed,
    preset: "fast",
    candidates: seed % 3 === 0 ? 3 : 1,
  }));
  const metric = async (pattern: RegExp): Promise<number> => {
    const text = await (await fetch(`${address}/metrics`)).text();
    return Number(pattern.exec(text)?.[1]);
  };
  return {
    address,
    requests: await expectedOf(address, bodies),
    memory: async () => (await metric(/^process_resident_memory_bytes (\S+)$/m)) / 1e6,
    figure: (what) => metric(new RegExp(`^dream_engine\\{what="${what}"\\} (\\S+)$`, "m")),
    end: async () => {
      server.kill("SIGTERM");
      const [code] = await once(server, "exit");
      expect(code).toBe(0);
    },
  };
}

/** Two hundred clients at once, then as many of whom a third vanish; afterwards nothing is left of any. */
export async function underLoad(server: LoadedServer, seconds: number): Promise<Record<string, unknown>> {
  const { address, requests } = server;
  const alone = await load(address, { clients: 1, seconds: 4, requests, vanishing: 0 });
  const crowd = await load(address, { clients: 200, seconds, requests, vanishing: 0 });
  const between = await server.memory();
  const leaving = await load(address, { clients: 200, seconds: seconds / 2, requests, vanishing: 1 / 3 });
  for (const { wrong } of [alone, crowd, leaving]) expect(wrong).toEqual([]);
  expect(leaving.vanished).toBeGreaterThan(20);
  // Nobody is served twice while another waits for the first time.
  expect(Math.max(...crowd.replies) - Math.min(...crowd.replies)).toBeLessThanOrEqual(2);
  for (const left of ["waiting", "underWay"]) await expect.poll(() => server.figure(left)).toBe(0);
  const after = await server.memory();
  expect(after - between).toBeLessThan(150);
  const rate = ({ milliseconds, seconds: took }: LoadReport): number => milliseconds.length / took;
  return {
    imagesPerSecond: rate(crowd),
    alone: rate(alone),
    ratio: rate(crowd) / rate(alone),
    p50: quantile(crowd.milliseconds, 0.5),
    p99: quantile(crowd.milliseconds, 0.99),
    vanished: leaving.vanished,
    megabytes: [between, after],
  };
}
