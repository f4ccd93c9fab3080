import { expect, it } from "vitest";
import { expectedOf, load } from "../bench/load.js";
import { record } from "./diary.js";
import { loadedServer, underLoad } from "./serve-load.js";
import { ask, post } from "./served.js";

it("two hundred clients for two minutes", async () => {
  const server = await loadedServer();
  const found = await underLoad(server, 120);
  record("server under load", found);
  await server.end();
}, 400_000);

it("forty clients who draw plainly are given twice what one is given", async () => {
  const server = await loadedServer();
  // Several candidates, as some of the requests under load have, are a batch already.
  const bodies = Array.from({ length: 8 }, (_, seed) => ({ prompt: "a red circle", seed, candidates: 1 }));
  const requests = await expectedOf(server.address, bodies);
  const perSecond = async (clients: number): Promise<number> => {
    const { milliseconds, seconds, wrong } = await load(server.address, {
      clients,
      seconds: 15,
      requests,
      vanishing: 0,
    });
    expect(wrong).toEqual([]);
    return milliseconds.length / seconds;
  };
  const [alone, together] = [await perSecond(1), await perSecond(40)];
  record("forty clients who draw plainly", { alone, together, ratio: together / alone });
  expect(together / alone).toBeGreaterThan(2);
  await server.end();
}, 120_000);

it("ten thousand requests, good, bad and abandoned, leave nothing behind", async () => {
  const server = await loadedServer();
  const prompt = "a large red circle in the centre on a plain background";
  const kinds: readonly (() => Promise<number>)[] = [
    async () =>
      (
        await post(server.address, "/v1/images/generations", {
          prompt,
          steps: 2,
          diffusion_steps: { first: 2, last: 2 },
        })
      ).status,
    async () => (await post(server.address, "/v1/embeddings", { input: [prompt, "a blue square"] })).status,
    async () => (await post(server.address, "/v1/images/generations", { prompt, n: 99 })).status,
    async () =>
      (await post(server.address, "/v1/embeddings", { input: { image: "bm8gcGljdHVyZQ==" } })).status,
    async () => (await ask(server.address, "/v1/images/files/..%2f..%2fetc", {})).status,
    async () =>
      (
        await ask(server.address, "/v1/images/edits", {
          method: "POST",
          headers: { "content-type": "multipart/form-data; boundary=x" },
          body: "--x\r\n",
        })
      ).status,
    async () => {
      const stop = new AbortController();
      const asked = fetch(`${server.address}/v1/images/generations`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ prompt, candidates: 5, stream: true }),
        signal: stop.signal,
      });
      setTimeout(() => stop.abort(), 3);
      await asked.then((reply) => reply.body?.cancel()).catch(() => {});
      return 499;
    },
  ];
  const round = async (count: number): Promise<void> => {
    for (let at = 0; at < count; at += 20)
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const kind = (at + i) % kinds.length;
          expect([200, 400, 404, 415, 499]).toContain(await kinds[kind]!());
        }),
      );
    for (const left of ["waiting", "underWay"]) await expect.poll(() => server.figure(left)).toBe(0);
  };
  await round(2000);
  const [memory, tensors] = [await server.memory(), await server.figure("liveTensors")];
  await round(10_000);
  const after = [await server.memory(), await server.figure("liveTensors")] as const;
  record("ten thousand requests", { megabytes: [memory, after[0]], liveTensors: [tensors, after[1]] });
  expect(after[1]).toBe(tensors);
  expect(after[0] - memory).toBeLessThan(60);
  await server.end();
}, 900_000);
