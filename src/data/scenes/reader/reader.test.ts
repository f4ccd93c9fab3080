import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { Picture } from "../../../formats/images.js";
import { type DrawnScene, drawScene } from "../draw.js";
import { sceneRandom } from "../random.js";
import { renderScene } from "../render.js";
import type { SceneLevel } from "../vocabulary.js";
import { isWhole, readScene } from "./read-scene.js";

/** Shares of what the reader gets right, by what there is to read. */
function accuracy(level: SceneLevel, sizePixels: number, count: number): Record<string, number> {
  const tally: Record<string, [right: number, all: number]> = {};
  const note = (what: string, right: boolean): void => {
    tally[what] ??= [0, 0];
    tally[what][0] += right ? 1 : 0;
    tally[what][1]++;
  };
  for (let i = 0; i < count; i++) {
    const { scene }: DrawnScene = drawScene(level, i % 2 === 0 ? "train" : "held-out", i, sceneRandom(99, i));
    const reading = readScene(renderScene(scene, sizePixels).picture, level);
    const objects = reading.kind === "read" ? reading.objects : [];
    note("background", reading.kind === "read" && reading.background === scene.ground.kind);
    note("count", objects.length === scene.objects.length);
    for (const object of scene.objects) {
      const found = [...objects].sort(
        (a, b) => Math.hypot(a.x - object.x, a.y - object.y) - Math.hypot(b.x - object.x, b.y - object.y),
      )[0];
      for (const key of ["shape", "colour", "size", "texture"] as const)
        note(key, found?.[key] === object[key]);
      note("place", found !== undefined && Math.hypot(found.x - object.x, found.y - object.y) < 0.02);
    }
  }
  return Object.fromEntries(Object.entries(tally).map(([what, [right, all]]) => [what, right / all]));
}

/** A rendered scene to spoil. */
const clean = (number: number): Picture =>
  renderScene(drawScene(1, "train", number, sceneRandom(5, number)).scene, 32).picture;

const blurred = async (picture: Picture, sigma: number): Promise<Picture> => {
  const { width, height } = picture;
  const data = await sharp(picture.data, { raw: { width, height, channels: 3 } })
    .blur(sigma)
    .raw()
    .toBuffer();
  return { width, height, data };
};

const numbers = Array.from({ length: 40 }, (_, i) => i * 11);

describe("the scene reader", () => {
  it.each([
    [1, 32, 540, 0.99],
    [1, 64, 180, 0.99],
    [2, 64, 300, 0.97],
    [3, 64, 200, 0.95],
  ] as const)("reads clean scenes of level %i at %i px", (level, size, count, least) => {
    for (const [what, share] of Object.entries(accuracy(level, size, count)))
      expect(share, what).toBeGreaterThanOrEqual(least);
  });

  it("finds no scene in noise, whatever its colours", () => {
    for (const number of numbers) {
      const random = sceneRandom(1, number);
      const grey = number % 2 === 0;
      const data = Uint8Array.from({ length: 32 * 32 * 3 }, () => random.between(0, 256));
      if (grey) for (let i = 0; i < data.length; i++) data[i] = data[i - (i % 3)]!;
      expect(isWhole(readScene({ width: 32, height: 32, data }, 1))).toBe(false);
    }
  });

  it("finds no scene on blank pictures", () => {
    for (const value of [0, 128, 235, 255]) {
      const data = new Uint8Array(32 * 32 * 3).fill(value);
      expect(readScene({ width: 32, height: 32, data }, 1)).toEqual({
        kind: "unreadable",
        reason: "no object",
      });
    }
    const red = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => [222, 56, 58][i % 3]!);
    const reading = readScene({ width: 32, height: 32, data: red }, 1);
    expect(isWhole(reading)).toBe(false);
    expect(reading).toMatchObject({ objects: [{ size: null }], background: null });
  });

  it("does not read what is blurred away, and reads through a slight blur", async () => {
    for (const number of numbers) {
      expect(isWhole(readScene(await blurred(clean(number), 4), 1)), String(number)).toBe(false);
      expect(isWhole(readScene(await blurred(clean(number), 0.5), 1)), String(number)).toBe(true);
    }
  });

  it("reads what can be read where a word cannot", () => {
    const { scene } = drawScene(2, "train", 3, sceneRandom(6, 3));
    const { width, height, data } = renderScene(scene, 64).picture;
    const whole = readScene({ width, height, data }, 2);
    // Half of the largest object is painted over in the ground's grey: what is left has a colour, and no shape.
    const object = whole.kind === "read" ? whole.objects[0]! : null;
    const cut = Uint8Array.from(data, (value, i) => {
      const [x, y] = [(Math.floor(i / 3) % width) / width, Math.floor(i / 3 / width) / height];
      const isLeft = x < object!.x + 0.04 && Math.abs(x - object!.x) < 0.3 && Math.abs(y - object!.y) < 0.3;
      return isLeft && x - object!.x + y - object!.y < 0.04 ? 230 : value;
    });
    const reading = readScene({ width, height, data: cut }, 2);
    expect(isWhole(whole)).toBe(true);
    expect(isWhole(reading)).toBe(false);
    const colours = reading.kind === "read" ? reading.objects.map(({ colour }) => colour) : [];
    expect(colours).toContain(object!.colour);
  });

  it("sees two objects where there are two", () => {
    const { scene } = drawScene(2, "train", 3, sceneRandom(6, 3));
    const reading = readScene(renderScene(scene, 64).picture, 2);
    expect(reading.kind === "read" && reading.objects.length).toBe(2);
  });
});
