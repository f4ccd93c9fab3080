import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { encodeGrey } from "../../formats/images.js";
import { tarMembers } from "../../formats/tar.js";
import { type TarEntry, writeTar } from "../../formats/tar-writer.js";
import { centreCrop } from "../centre-crop.js";
import { drawScene } from "../scenes/draw.js";
import { sceneRandom } from "../scenes/random.js";
import { renderScene } from "../scenes/render.js";
import { writeScenes } from "../scenes/write.js";
import { openAde20k } from "./ade20k.js";
import { ignoredLabel } from "./dense-split.js";
import { nearestCrop } from "./nearest-crop.js";
import { openNyuDepth } from "./nyu-depth.js";
import { openDense } from "./open-dense.js";
import { openSceneTruths, pixelClasses } from "./scene-shards.js";

const [width, height] = [12, 9];
const all = { train: 100, test: 100 };
const newFolder = (): string => mkdtempSync(join(tmpdir(), "dream-dense-"));

function put(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

async function putPicture(path: string): Promise<void> {
  const image = sharp(new Uint8Array(width * height * 3).fill(90), { raw: { width, height, channels: 3 } });
  put(path, await (path.endsWith(".png") ? image.png() : image.jpeg()).toBuffer());
}

async function putTruth(
  path: string,
  data: Uint8Array | Uint16Array,
  size = { width, height },
): Promise<void> {
  put(path, await encodeGrey({ ...size, data }));
}

describe("ADE20K's folders", () => {
  const numbers = Uint8Array.from({ length: width * height }, (_, i) => i + 43);
  const make = async (): Promise<string> => {
    const folder = newFolder();
    for (const [split, names] of [
      ["training", ["b", "a"]],
      ["validation", ["v"]],
    ] as const)
      for (const name of names) {
        await putPicture(join(folder, "images", split, `${name}.jpg`));
        await putTruth(
          join(folder, "annotations", split, `${name}.png`),
          numbers.fill(name === "a" ? 0 : 7, 0, 2),
        );
      }
    return folder;
  };

  it("give labels from 0, and what is not labelled as ignored", async () => {
    const { train, test, classes } = openAde20k(await make(), all);
    expect([train.pictures.count, test.pictures.count, classes.length]).toEqual([2, 1, 150]);
    const { data, ...size } = await train.truth(0);
    expect(size).toEqual({ width, height });
    expect([...data.subarray(0, 4)]).toEqual([ignoredLabel, ignoredLabel, 44, 45]);
    expect(data.at(-1)).toBe(149);
    expect((await train.truth(1)).data[0]).toBe(6);
    expect(await test.pictures.read(0)).toMatchObject({ width, height });
  });

  it("open beside a task that has none", async () => {
    const { segmentation, depth } = openDense(
      { segmentation: await make(), depth: null },
      { train: 1, test: 1 },
    );
    expect(segmentation?.train.pictures.count).toBe(1);
    expect(depth).toBeNull();
    expect(() => openDense({ segmentation: null, depth: newFolder() }, all)).toThrow(/pictures in train/);
  });

  it("name the classes where their table lies beside them", async () => {
    const folder = await make();
    writeFileSync(
      join(folder, "objectInfo150.txt"),
      "Idx\tRatio\tName\n1\t0.2\twall\n2\t0.1\tbuilding, edifice\n",
    );
    expect(openAde20k(folder, all).classes.slice(0, 3)).toEqual(["wall", "building, edifice", "class 3"]);
  });

  it("are refused where something is missing, of another size, or out of range", async () => {
    expect(() => openAde20k(newFolder(), all)).toThrow(/pictures \(\*\.jpg\) in images\/training, got none/);
    const lacking = await make();
    rmSync(join(lacking, "annotations/training/b.png"));
    expect(() => openAde20k(lacking, all)).toThrow(/1 without: .*b\.jpg/);
    const odd = await make();
    await putTruth(join(odd, "annotations/training/a.png"), new Uint8Array(8), { width: 4, height: 2 });
    await expect(openAde20k(odd, all).train.truth(0)).rejects.toThrow(
      /a\.png: expected 12 x 9 pixels.*got 4 x 2/,
    );
    await putTruth(join(odd, "annotations/training/a.png"), new Uint8Array(width * height).fill(151));
    await expect(openAde20k(odd, all).train.truth(0)).rejects.toThrow(
      /a\.png: expected classes from 1 to 150.*151/,
    );
  });
});

describe("NYU's folders", () => {
  const depths = Uint16Array.from({ length: width * height }, (_, i) => i * 90);

  it("are read beside one another at any depth, and apart", async () => {
    const beside = newFolder();
    const apart = newFolder();
    for (const path of [
      "train/kitchen_1/day/rgb_00002.jpg",
      "train/bath/rgb_00001.jpg",
      "test/bath/rgb_00005.jpg",
    ]) {
      await putPicture(join(beside, path));
      await putTruth(join(beside, path.replace("rgb_", "sync_depth_").replace("jpg", "png")), depths);
    }
    for (const split of ["train", "test"]) {
      await putPicture(join(apart, split, "rgb/0.png"));
      await putTruth(join(apart, split, "depth/0.png"), depths);
    }
    for (const [folder, count] of [
      [beside, 2],
      [apart, 1],
    ] as const) {
      const { train, test } = openNyuDepth(folder, all);
      expect([train.pictures.count, test.pictures.count]).toEqual([count, 1]);
      expect((await train.truth(count - 1)).data).toEqual(depths);
      expect(await train.pictures.read(0)).toMatchObject({ width, height });
    }
    expect(openNyuDepth(beside, { train: 1, test: 1 }).train.pictures.count).toBe(1);
  });

  it("are refused where there is nothing, a truth is missing, or has 8 bits", async () => {
    const folder = newFolder();
    expect(() => openNyuDepth(folder, all)).toThrow(/pictures in train: .* got none/);
    for (const split of ["train", "test"]) await putPicture(join(folder, split, "a/rgb_1.jpg"));
    expect(() => openNyuDepth(folder, all)).toThrow(/no .*sync_depth_1\.png/);
    for (const split of ["train", "test"])
      await putTruth(join(folder, split, "a/sync_depth_1.png"), new Uint8Array(width * height).fill(3));
    await expect(openNyuDepth(folder, all).train.truth(0)).rejects.toThrow(/16 bits/);
  });
});

describe("scenes' shards", () => {
  const request = { level: 2, seed: 3, sizePixels: 32, samplesPerShard: 3 } as const;

  it("give the renderer's own truth", async () => {
    const folder = newFolder();
    await writeScenes({ ...request, folder, split: "train", count: 5 });
    await writeScenes({ ...request, folder, split: "held-out", count: 2 });
    const patterns = { train: join(folder, "train-*.tar"), test: join(folder, "held-out-*.tar") };
    const { segmentation, depth } = openSceneTruths(patterns, { train: 4, test: 100 });
    expect([segmentation.train.pictures.count, depth.test.pictures.count]).toEqual([4, 2]);
    expect(segmentation.train.pictures).toBe(depth.train.pictures);
    expect(pixelClasses).toHaveLength(19);
    // The streams of level 2 are 2 and 3 behind six times the seed.
    for (const [split, number] of [
      ["train", 3],
      ["held-out", 1],
    ] as const) {
      const { scene } = drawScene(
        2,
        split,
        number,
        sceneRandom(3 * 6 + 2 + Number(split !== "train"), number),
      );
      const rendered = renderScene(scene, 32);
      const part = split === "train" ? "train" : "test";
      expect((await segmentation[part].pictures.read(number)).data).toEqual(
        Buffer.from(rendered.picture.data),
      );
      expect((await depth[part].truth(number)).data).toEqual(rendered.depthMillimetres);
      const names = [...rendered.mask].map((object) => {
        const shown = scene.objects[object - 1];
        return shown === undefined ? "ground" : `${shown.colour} ${shown.shape}`;
      });
      const labels = (await segmentation[part].truth(number)).data;
      expect([...labels].map((label) => pixelClasses[label])).toEqual(names);
      expect(new Set(names).size).toBeGreaterThan(1);
    }
  });

  it("are refused where a member is missing", async () => {
    const folder = newFolder();
    const [path] = await writeScenes({ ...request, folder, split: "train", count: 2 });
    const poor = join(folder, "poor.tar");
    const names = [...tarMembers(path!)]
      .map(({ name }) => name)
      .filter((name) => name !== "00000001.mask.png");
    await writeTar(
      poor,
      (async function* (): AsyncGenerator<TarEntry> {
        for (const name of names) yield { name, data: Buffer.from("x") };
      })(),
    );
    expect(() => openSceneTruths({ train: poor, test: poor }, all)).toThrow(
      /no 00000001\.mask\.png in poor\.tar/,
    );
  });
});

describe("the crop of a truth", () => {
  it("keeps the truth's own numbers, and its middle where the size is right", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 90 }),
        fc.integer({ min: 3, max: 90 }),
        fc.integer({ min: 2, max: 24 }),
        (w, h, side) => {
          const data = Uint16Array.from({ length: w * h }, (_, i) => i + 1);
          const square = nearestCrop({ width: w, height: h, data }, side);
          expect(square).toHaveLength(side * side);
          expect(square.every((number) => number >= 1 && number <= w * h)).toBe(true);
          // Rows and columns stay in their order.
          for (let at = 1; at < side; at++) expect(square[at]!).toBeGreaterThanOrEqual(square[at - 1]!);
        },
      ),
    );
    const data = Uint8Array.from({ length: 6 * 4 }, (_, i) => i);
    expect([...nearestCrop({ width: 6, height: 4, data }, 4)]).toEqual([
      1, 2, 3, 4, 7, 8, 9, 10, 13, 14, 15, 16, 19, 20, 21, 22,
    ]);
  });

  it("is the square that the picture's crop shows", () => {
    const [w, h, side] = [101, 67, 16];
    // Blocks of black and white, larger than any kernel.
    const white = (x: number, y: number): boolean => (Math.floor(x / 25) + Math.floor(y / 25)) % 2 === 0;
    const data = Uint8Array.from({ length: w * h }, (_, i) => Number(white(i % w, Math.floor(i / w))));
    const picture = {
      width: w,
      height: h,
      data: Uint8Array.from({ length: w * h * 3 }, (_, i) => 255 * data[Math.floor(i / 3)]!),
    };
    const [truth, shown] = [nearestCrop({ width: w, height: h, data }, side), centreCrop(picture, side).data];
    const differing = [...truth].filter((label, i) => Math.abs(255 * label - shown[3 * i]!) > 128).length;
    expect(differing).toBeLessThanOrEqual(side * side * 0.02);
  });
});
