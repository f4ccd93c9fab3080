import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodePicture } from "../formats/images.js";
import { type TarEntry, writeTar } from "../formats/tar-writer.js";
import { type BrokenSample, Loader, type LoadRequest } from "./loader.js";
import { openSamples } from "./open-samples.js";
import { usualCropRange } from "./random-resized-crop.js";
import type { SampleSource } from "./sample.js";
import { type View, viewOf } from "./view.js";

const side = 24;
const folder = mkdtempSync(join(tmpdir(), "dream-loader-"));

/** Pictures of waves, of different sizes; `damage` may spoil some. */
async function* entries(
  count: number,
  damage: (i: number, jpeg: Buffer) => Buffer = (_, jpeg) => jpeg,
): AsyncGenerator<TarEntry> {
  for (let i = 0; i < count; i++) {
    const [width, height] = [40 + (i % 7), 33 + (i % 5)];
    const data = Uint8Array.from({ length: 3 * width * height }, (_, k) => 128 + 100 * Math.sin(k / (5 + i)));
    const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg()
      .toBuffer();
    yield { name: `${i}.jpg`, data: damage(i, jpeg) };
    yield { name: `${i}.txt`, data: Buffer.from(`caption ${i}`) };
  }
}

async function sourceOf(name: string, ...of: Parameters<typeof entries>): Promise<SampleSource> {
  const path = join(folder, name);
  await writeTar(path, entries(...of));
  return openSamples(path);
}

const views: readonly View[] = [
  { kind: "centre" },
  { kind: "centre-flipped" },
  { kind: "random-resized", range: usualCropRange, seed: 5 },
  { kind: "random-resized-flipped", range: usualCropRange, seed: 6 },
];

describe("the loader", () => {
  let source: SampleSource;
  beforeAll(async () => {
    source = await sourceOf("whole.tar", 30);
  });
  afterAll(() => source.close());

  it("gives each view of each picture, in order, whatever the number of threads", async () => {
    const requests = Array.from({ length: 40 }, (_, i) => ({ number: (i * 7) % 30, view: views[i % 4]! }));
    for (const workers of [1, 3]) {
      const loader = new Loader(source, { side, workers });
      const loaded = await loader.load(requests);
      for (const [i, { number, view }] of requests.entries()) {
        const { picture, caption } = await source.read(number);
        expect(loaded[i]).toMatchObject({ number, key: String(number), caption });
        expect(Buffer.from(loaded[i]!.pixels).equals(viewOf(picture, view, side).data)).toBe(true);
      }
      expect(loader.broken).toEqual({ count: 0, seen: 30, named: [] });
      await loader.close();
    }
  });

  it("replaces a broken sample by the next whole one, and names it once", async () => {
    const spoiled = await sourceOf("spoiled.tar", 20, (i, jpeg) =>
      i === 4 ? jpeg.subarray(0, jpeg.length / 2) : i === 5 || i === 19 ? Buffer.from("no picture") : jpeg,
    );
    const told: BrokenSample[] = [];
    const loader = new Loader(spoiled, { side, workers: 2, onBroken: (one) => told.push(one) });
    const requests = [4, 5, 19, 7, 4].map((number): LoadRequest => ({ number, view: { kind: "centre" } }));
    const loaded = await loader.load(requests);
    expect(loaded.map(({ number }) => number)).toEqual([6, 6, 0, 7, 6]);
    expect(loader.keysOf(requests.map(({ number }) => number))).toEqual(["6", "6", "0", "7", "6"]);
    expect(told.map(({ key }) => key)).toEqual(["4", "5", "19"]);
    expect(told[0]!.reason).toMatch(/spoiled\.tar: 4/);
    expect(loader.broken).toMatchObject({ count: 3, seen: 6, named: told });
    await loader.close();
    await spoiled.close();
  });

  it("gives up where too many are broken, or all", async () => {
    const rotten = await sourceOf("rotten.tar", 80, (i, jpeg) => (i % 8 === 0 ? Buffer.from("x") : jpeg));
    const all = Array.from(
      { length: 80 },
      (_, number): LoadRequest => ({ number, view: { kind: "centre" } }),
    );
    const patient = new Loader(rotten, { side, workers: 2, brokenShare: 0.2 });
    expect(await patient.load(all)).toHaveLength(80);
    const strict = new Loader(rotten, { side, workers: 2, brokenShare: 0.1 });
    expect(await strict.load(all.slice(0, 40))).toHaveLength(40);
    await expect(strict.load(all.slice(40))).rejects.toThrow(/12\.5 % \(10 of 80\): 0, 8, 16/);
    const lost = await sourceOf("lost.tar", 3, () => Buffer.from("x"));
    const hopeless = new Loader(lost, { side, workers: 1 });
    await expect(hopeless.load(all.slice(0, 1))).rejects.toThrow(/100\.0 % \(3 of 3\)/);
    for (const loader of [patient, strict, hopeless]) await loader.close();
  });

  it("ends with an error where a thread ends", async () => {
    const loader = new Loader(source, { side, workers: 2 });
    // A reference that nobody can read is a defect, not a broken sample.
    const broken = {
      ...source,
      count: 30,
      location: "",
      key: String,
      reference: () => ({ kind: "nothing" }) as never,
    };
    const defective = new Loader(broken, { side, workers: 2 });
    const requests: LoadRequest[] = [{ number: 1, view: { kind: "centre" } }];
    await expect(defective.load(requests)).rejects.toThrow();
    await expect(defective.load(requests)).rejects.toThrow();
    await defective.close();
    const loading = loader.load(requests);
    await loader.close();
    await loading;
    await expect(loader.load(requests)).rejects.toThrow(/closed/);
  });

  it("decodes quickly what it decodes slowly", async () => {
    const { decodeQuickly } = await import("./decode.js");
    for await (const { name, data } of entries(3))
      if (name.endsWith("jpg"))
        expect((await decodeQuickly(data, name)).data).toEqual(
          new Uint8Array((await decodePicture(data, name)).data),
        );
  });
});
