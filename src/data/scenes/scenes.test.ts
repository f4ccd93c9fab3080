import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeGrey } from "../../formats/images.js";
import { tarMembers } from "../../formats/tar.js";
import { openSamples } from "../open-samples.js";
import { combinationsOf, drawScene } from "./draw.js";
import { combinations, looseCaption, oneObjectCaption, oneObjectScene, plainCaption } from "./one-object.js";
import { sceneRandom } from "./random.js";
import { renderScene } from "./render.js";
import { parseTruth } from "./truth.js";
import { isHeldOutPair } from "./two-objects.js";
import { centres, palette, sceneLevels } from "./vocabulary.js";
import { writeScenes } from "./write.js";

describe("level 1", () => {
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
      const scene = oneObjectScene(combinations[number]!, sceneRandom(1, number));
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
      (_, i) => oneObjectScene(combinations[7]!, sceneRandom(2, i)).objects[0]!,
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
      Array.from({ length: 200 }, (_, i) => oneObjectCaption(combination, sceneRandom(5, i))),
    );
    expect(wordings.size).toBeGreaterThan(40);
    for (const caption of wordings) expect(caption).toContain(`${combination.colour} ${combination.shape}`);
    expect(plainCaption(combinations[0]!)).toBe("a small red circle in the top left on a plain background");
    const loose = Array.from({ length: 2000 }, (_, i) => looseCaption(combination, sceneRandom(5, i)));
    const brief = loose.filter((caption) => !caption.includes(combination.colour));
    // One of four is brief, and of these one of two leaves out the colour.
    expect(brief.length / loose.length).toBeGreaterThan(0.09);
    expect(brief.length / loose.length).toBeLessThan(0.16);
    expect(brief).toContain(`a ${combination.shape}`);
    for (const caption of loose) {
      expect(caption).toContain(combination.shape);
      expect(caption).not.toMatch(/^\s|\s\s|\s$|\ba [aeiou]/);
    }
  });
});

describe("level 2", () => {
  const drawn = Array.from({ length: 300 }, (_, i) =>
    drawScene(2, i % 2 === 0 ? "train" : "held-out", i, sceneRandom(11, i)),
  );

  it("places two objects apart, inside, and as their relation says", () => {
    for (const { scene } of drawn) {
      const { first, second, kind } = scene.relation!;
      const [a, b] = [scene.objects[first]!, scene.objects[second]!];
      const [dx, dy] = [a.x - b.x, a.y - b.y];
      const [along, across] = kind === "left of" || kind === "right of" ? [dx, dy] : [dy, dx];
      expect(Math.sign(along)).toBe(kind === "left of" || kind === "above" ? -1 : 1);
      expect(Math.abs(across)).toBeLessThan(0.6 * Math.abs(along));
      expect(Math.hypot(dx, dy)).toBeGreaterThan(a.radius + b.radius);
      for (const { x, y, radius } of [a, b])
        for (const place of [x, y]) {
          expect(place - radius).toBeGreaterThanOrEqual(0);
          expect(place + radius).toBeLessThanOrEqual(1);
        }
    }
  });

  it("keeps pairs of kinds back from training", () => {
    for (const [i, { scene }] of drawn.entries())
      expect(isHeldOutPair(scene.objects[0]!, scene.objects[1]!)).toBe(i % 2 === 1);
  });

  it("tells the relation from either side", () => {
    const captions = drawn.map(({ caption }) => caption);
    for (const word of ["left of", "right of", "above", "below", "striped", "dotted", "solid"])
      expect(captions.filter((caption) => caption.includes(word)).length, word).toBeGreaterThan(10);
    for (const { caption, scene } of drawn)
      for (const { colour, shape } of scene.objects) expect(caption).toContain(`${colour} ${shape}`);
  });
});

describe("level 3", () => {
  const drawn = Array.from({ length: 200 }, (_, i) => drawScene(3, "train", i, sceneRandom(12, i)));

  it("has one to four objects, counted in the caption where they are alike", () => {
    expect(new Set(drawn.map(({ scene }) => scene.objects.length))).toEqual(new Set([1, 2, 3, 4]));
    expect(
      drawn.some(({ caption }) => /\b(two|three|four) \w+ \w+ \w+ (circle|square|triangle)s/.test(caption)),
    ).toBe(true);
    for (const { label, scene } of drawn) expect(label).toBe(scene.objects.length);
  });

  it("hides parts of some objects behind nearer ones, and shows most of each", () => {
    const shares = drawn.flatMap(({ scene }) => [...renderScene(scene, 64).visibleShares]);
    expect(shares.filter((share) => share < 0.98).length).toBeGreaterThan(20);
    expect(Math.min(...shares)).toBeGreaterThan(0.5);
  });

  it("has every ground, and clutter", () => {
    expect(new Set(drawn.map(({ scene }) => scene.ground.kind)).size).toBe(5);
    expect(drawn.some(({ scene }) => scene.clutter.length > 2)).toBe(true);
  });
});

describe("shards of scenes", () => {
  it.each(sceneLevels)(
    "of level %i carry picture, caption, truth, mask and depth that agree",
    async (level) => {
      const folder = mkdtempSync(join(tmpdir(), "dream-scenes-"));
      const request = { level, count: 12, seed: 4, sizePixels: 48, samplesPerShard: 12, folder } as const;
      const [path] = await writeScenes({ ...request, split: "held-out" });
      const source = await openSamples(path!);
      const members = new Map([...tarMembers(path!)].map((member) => [member.name, member]));
      const archive = readFileSync(path!);
      for (let number = 0; number < source.count; number++) {
        const { key, caption, truth } = await source.read(number);
        const parsed = parseTruth(truth, key);
        expect(parsed.caption).toBe(caption);
        const grey = (ending: string) => {
          const { offset, size } = members.get(`${key}.${ending}.png`)!;
          return decodeGrey(archive.subarray(offset, offset + size), key);
        };
        const [mask, depth] = [await grey("mask"), await grey("depth")];
        expect(depth.data).toBeInstanceOf(Uint16Array);
        for (const [i, object] of mask.data.entries())
          expect(depth.data[i]).toBe(
            object === 0 ? 6000 : Math.round(1000 * parsed.objects[object - 1]!.depthMetres),
          );
        expect(new Set(mask.data).size).toBe(parsed.objects.length + 1);
      }
      await source.close();
    },
  );

  it("are the same bytes for the same seed, and others for another", async () => {
    const write = async (seed: number): Promise<Buffer> => {
      const folder = mkdtempSync(join(tmpdir(), "dream-scenes-"));
      const [path] = await writeScenes({
        level: 3,
        split: "train",
        count: 6,
        seed,
        sizePixels: 32,
        samplesPerShard: 6,
        folder,
      });
      return readFileSync(path!);
    };
    expect((await write(1)).equals(await write(1))).toBe(true);
    expect((await write(1)).equals(await write(2))).toBe(false);
  });
});
