import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeTar } from "../formats/tar-writer.js";
import { openSamples } from "./open-samples.js";
import { BatchOrder, epochOrder } from "./order.js";
import { writeScenes } from "./scenes/write.js";

const request = { level: 1, count: 40, seed: 3, sizePixels: 32, samplesPerShard: 25 } as const;

describe("shards", () => {
  it("are the same bytes for the same request, and give every sample back", async () => {
    const [a, b] = [
      mkdtempSync(join(tmpdir(), "dream-scenes-")),
      mkdtempSync(join(tmpdir(), "dream-scenes-")),
    ];
    const written = await writeScenes({ ...request, split: "train", folder: a });
    const again = await writeScenes({ ...request, split: "train", folder: b });
    expect(written).toHaveLength(2);
    for (const [i, path] of written.entries())
      expect(readFileSync(path).equals(readFileSync(again[i]!))).toBe(true);
    const source = await openSamples(a);
    expect(source.count).toBe(40);
    const sample = await source.read(30);
    expect(sample).toMatchObject({
      key: "00000030",
      picture: { width: 32, height: 32 },
      truth: { level: 1 },
    });
    expect(sample.caption.length).toBeGreaterThan(10);
    await source.close();
  });

  it("name a broken sample, and refuse an archive without one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-scenes-"));
    const path = join(folder, "x.tar");
    await writeTar(
      path,
      (async function* () {
        yield { name: "a.png", data: Buffer.from("no picture") };
        yield { name: "a.txt", data: Buffer.from("words") };
      })(),
    );
    const source = await openSamples(path);
    await expect(source.read(0)).rejects.toThrow(/x\.tar: a/);
    writeFileSync(join(folder, "empty.txt"), "");
    const bare = join(folder, "bare.tar");
    await writeTar(
      bare,
      (async function* () {
        yield { name: "a.txt", data: Buffer.from("words alone") };
      })(),
    );
    await expect(openSamples(bare)).rejects.toThrow(/samples of a picture/);
  });
});

describe("the order of samples", () => {
  it("is a permutation of its own for every epoch", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(), fc.nat({ max: 50 }), (count, seed, epoch) => {
        expect([...epochOrder(count, seed, epoch)].sort((a, b) => a - b)).toEqual(
          Array.from({ length: count }, (_, i) => i),
        );
      }),
    );
    expect([...epochOrder(100, 1, 0)]).not.toEqual([...epochOrder(100, 1, 1)]);
  });

  it("gives a step the same batch whatever was asked before, and an epoch each sample at most once", () => {
    const [one, other] = [new BatchOrder(103, 10, 5), new BatchOrder(103, 10, 5)];
    const batches = Array.from({ length: 25 }, (_, step) => one.batch(step));
    expect(other.batch(17)).toEqual(batches[17]);
    expect(other.batch(3)).toEqual(batches[3]);
    expect(new Set(batches.slice(0, 10).flat()).size).toBe(100);
  });
});
