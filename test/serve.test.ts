import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { startServer } from "../bench/serve.js";
import { loudRun } from "./loud-run.js";
import { dream } from "./process.js";
import { post } from "./served.js";

let run: string;

beforeAll(async () => {
  run = await loudRun();
});

describe("dream serve", () => {
  it("serves until it is told to end, and lets what is under way end first", async () => {
    const { server, address } = await startServer(run);
    const long = {
      prompt: "a red circle",
      candidates: 5,
      steps: 64,
      diffusion_steps: { first: 100, last: 100 },
    };
    const drawn = post(address, "/v1/images/generations", long);
    const underWay = async (): Promise<string> => (await fetch(`${address}/metrics`)).text();
    await expect.poll(underWay).toContain('dream_engine{what="underWay"} 1');
    server.kill("SIGTERM");
    expect((await drawn).status).toBe(200);
    expect(await once(server, "exit")).toEqual([0, null]);
  });

  it("refuses what would be open to others, a port that is taken, and a token that is none", async () => {
    const open = await dream(["serve", "--model", run, "--host", "0.0.0.0", "--port", "0"]);
    expect(open).toMatchObject({ code: 2, err: expect.stringMatching(/0\.0\.0\.0.*a token.*DREAM_TOKEN/s) });
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const second = await dream(["serve", "--model", run, "--port", String(port)]);
    expect(second).toMatchObject({ code: 1, err: expect.stringMatching(/EADDRINUSE.*--port/s) });
    taken.close();
    const short = await dream(["serve", "--model", run, "--port", "0"], undefined, { DREAM_TOKEN: "abc" });
    expect(short).toMatchObject({
      code: 1,
      err: expect.stringMatching(/DREAM_TOKEN.*at least 8 characters.*3/s),
    });
    const nowhere = await dream(["serve", "--model", `${run}/none`, "--port", "0"]);
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringMatching(/none.*no such folder/s) });
  });
});
