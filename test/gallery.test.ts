import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { startServer } from "../bench/serve.js";
import { decodePicture } from "../src/formats/images.js";
import { recordIn } from "../src/picture-record.js";
import type { Job } from "../src/server/job-protocol.js";
import type { Gallery } from "../src/server/studio-protocol.js";
import { loudRun } from "./loud-run.js";
import { post } from "./served.js";

let run: string;

beforeAll(async () => {
  run = await loudRun();
});

/** Draws one picture after another into the gallery, until the server is gone. @param saved ids of jobs that said they were done */
async function drawOn(address: string, saved: string[]): Promise<void> {
  const asked = { prompt: "a red circle", candidates: 1, keep: true };
  for (let seed = 0; ; seed++) {
    const { text } = await post(address, "/v1/jobs", { ...asked, seed });
    const { id } = JSON.parse(text) as Job;
    const events = await (await fetch(`${address}/v1/jobs/${id}/events`)).text();
    const [, end] = /event: end\ndata: (.*)/.exec(events)!;
    saved.push((JSON.parse(end!) as Job).result!.data[0]!.gallery_id!);
  }
}

describe("dream serve --gallery", () => {
  it("loses no picture that was kept where it is killed while it keeps, and has only whole ones", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "dream-gallery-")), "kept");
    const saved: string[] = [];
    for (let kill = 0; kill < 4; kill++) {
      const { server, address } = await startServer(run, ["--gallery", folder]);
      const listed = (await (await fetch(`${address}/v1/gallery?count=200`)).json()) as Gallery;
      expect(listed.data.map(({ id }) => id)).toEqual(expect.arrayContaining(saved));
      expect(readdirSync(folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
      const before = saved.length;
      const drawers = Array.from({ length: 4 }, () => drawOn(address, saved).catch(() => {}));
      await expect.poll(() => saved.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(before + 4);
      // At another moment each time.
      await new Promise((resolve) => setTimeout(resolve, 17 * kill));
      server.kill("SIGKILL");
      await once(server, "exit");
      await Promise.all(drawers);
    }
    const files = readdirSync(folder).filter((name) => name.endsWith(".png"));
    expect(files.map((name) => name.slice(0, -4))).toEqual(expect.arrayContaining(saved));
    for (const name of files) {
      const bytes = readFileSync(join(folder, name));
      expect((await decodePicture(bytes, name)).width).toBe(32);
      expect(recordIn(bytes)?.prompt).toBe("a red circle");
    }
  }, 120_000);
});
