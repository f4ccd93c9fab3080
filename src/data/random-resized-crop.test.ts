import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../tensor/native.js";
import { type CropRange, drawCrop, usualCropRange } from "./random-resized-crop.js";
import type { Window } from "./resample.js";

interface Case {
  readonly picture: { readonly width: number; readonly height: number };
  readonly range: CropRange;
  readonly numbers: readonly number[];
  readonly part: Window;
}

const cases = JSON.parse(
  readFileSync(join(packageRoot(), "test/fixtures/pictures/crops.json"), "utf8"),
) as readonly Case[];

describe("a random part", () => {
  it("is torchvision's, for the same random numbers", () => {
    for (const { picture, range, numbers, part } of cases) {
      const left = [...numbers];
      expect(drawCrop(picture, range, () => left.shift()!)).toEqual(part);
      expect(left).toEqual([]);
    }
  });

  it("lies within the picture", () => {
    const side = fc.integer({ min: 1, max: 3000 });
    const number = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(side, side, fc.infiniteStream(number), (width, height, numbers) => {
        const part = drawCrop({ width, height }, usualCropRange, () => numbers.next().value);
        expect(Math.min(part.left, part.top)).toBeGreaterThanOrEqual(0);
        expect(Math.min(part.width, part.height)).toBeGreaterThan(0);
        expect(part.left + part.width).toBeLessThanOrEqual(width);
        expect(part.top + part.height).toBeLessThanOrEqual(height);
      }),
    );
  });
});
