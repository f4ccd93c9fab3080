import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeTar } from "../formats/tar.js";
import { BatchOrder, epochOrder } from "./order.js";
import { captionOf, plainCaption } from "./scenes/captions.js";
import { sceneRandom } from "./scenes/random.js";
import { renderScene } from "./scenes/render.js";
import { sceneOf } from "./scenes/scene.js";
import { combinationsOf } from "./scenes/split.js";
import { centres, combinations, palette } from "./scenes/vocabulary.js";
import { writeScenes } from "./scenes/write.js";
import { expand, openShards } from "./shards.js";

const request = { count: 40, seed: 3, sizePixels: 32, samplesPerShard: 25 };

describe("the world of scenes", () => {
  it("has 540 combinations, of which more than a tenth are held out, every word among them", () => {
    expect(combinations).toHaveLength(540);
    const [train, heldOut] = [combinationsOf("train"), combinationsOf("held-out")];
    expect(new Set([...train, ...heldOut]).size).toBe(540);
    expect(heldOut.length).toBeGreaterThanOrEqual(54);
    for (const part of [train, heldOut])
      for (const key of ["colour", "shape", "size", "position", "background"] as const) {
        const words = (numbers: readonly number[]): Set<string> =>
          new Set(numbers.map((n) => combinations[n]![key]));
        expect(words(part)).toEqual(words([...combinations.keys()]));
      }
  });

  it("draws an object where and as large as the scene says", () => {
    for (const number of [0, 100, 250, 400, 539]) {
      const scene = sceneOf(combinations[number]!, sceneRandom(1, number));
      const { picture, mask } = renderScene(scene, 64);
      const [object] = scene.objects;
      const covered = [...mask.keys()].filter((pixel) => mask[pixel] === 1);
      const mean = (of: (pixel: number) => number): number =>
        covered.reduce((sum, pixel) => sum + of(pixel), 0) / covered.length;
      expect(mean((pixel) => (pixel % 64) + 0.5) / 64).toBeCloseTo(object!.x, 1);
      expect(mean((pixel) => Math.floor(pixel / 64) + 0.5) / 64).toBeCloseTo(object!.y, 1);
      expect(covered.length / 4096).toBeGreaterThan(0.6 * object!.radius ** 2 * 2);
      for (let channel = 0; channel < 3; channel++)
        expect(
          Math.abs(mean((pixel) => picture.data[pixel * 3 + channel]!) - object!.rgb[channel]!),
        ).toBeLessThan(12);
    }
  });

  it("jitters place, size and colour, and keeps them near what the words say", () => {
    const scenes = Array.from(
      { length: 50 },
      (_, i) => sceneOf(combinations[7]!, sceneRandom(2, i)).objects[0]!,
    );
    expect(new Set(scenes.map(({ x }) => x)).size).toBe(50);
    const { position, colour } = combinations[7]!;
    for (const { x, rgb } of scenes) {
      expect(Math.abs(x - centres[position][0])).toBeLessThan(0.04);
      for (const [i, channel] of rgb.entries())
        expect(Math.abs(channel - palette[colour][i]!)).toBeLessThan(20);
    }
  });

  it("says every fact in every wording", () => {
    const combination = combinations[300]!;
    const wordings = new Set(
      Array.from({ length: 200 }, (_, i) => captionOf(combination, sceneRandom(5, i))),
    );
    expect(wordings.size).toBeGreaterThan(40);
    for (const caption of wordings) expect(caption).toContain(`${combination.colour} ${combination.shape}`);
    expect(plainCaption(combinations[0]!)).toBe("a small red circle in the top left on a plain background");
  });
});

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
    const source = await openShards(a);
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

  it("are named by folder, by braces or alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dream-scenes-"));
    const paths = await writeScenes({ ...request, split: "held-out", folder });
    expect(expand(folder)).toEqual(paths);
    expect(expand(join(folder, "held-out-{000000..000001}.tar"))).toEqual(paths);
    expect(expand(paths[1]!)).toEqual([paths[1]]);
    expect(() => expand(join(folder, "absent-{0..1}.tar"))).toThrow(/name a folder of/i);
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
    const source = await openShards(path);
    await expect(source.read(0)).rejects.toThrow(/x\.tar:a\.png/);
    writeFileSync(join(folder, "empty.txt"), "");
    const bare = join(folder, "bare.tar");
    await writeTar(
      bare,
      (async function* () {
        yield { name: "a.txt", data: Buffer.from("words alone") };
      })(),
    );
    await expect(openShards(bare)).rejects.toThrow(/samples of a picture/);
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
