import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boxRegion, composite, lightRegion, tokensOf } from "./region.js";

const side = 16;
const box = fc.record({
  x: fc.integer({ min: -4, max: 15 }),
  y: fc.integer({ min: -4, max: 15 }),
  width: fc.integer({ min: 5, max: 20 }),
  height: fc.integer({ min: 5, max: 20 }),
});

const picture = (grey: Uint8Array) => ({
  width: side,
  height: side,
  data: new Uint8Array([...grey].flatMap((value) => [value, value, value])),
});

describe("regions of a picture", () => {
  it("touch a token where any of its pixels is in them", () => {
    fc.assert(
      fc.property(box, ({ x, y, width, height }) => {
        const tokens = tokensOf(boxRegion(side, { x, y, width, height }), 4);
        for (let row = 0; row < 4; row++)
          for (let column = 0; column < 4; column++) {
            const across = Math.min(x + width, 4 * column + 4) - Math.max(x, 4 * column);
            const down = Math.min(y + height, 4 * row + 4) - Math.max(y, 4 * row);
            expect(tokens[4 * row + column]).toBe(across > 0 && down > 0 ? 1 : 0);
          }
      }),
    );
  });

  it("are a mask's light pixels", () => {
    const grey = new Uint8Array(side * side);
    grey[5 * side + 9] = 128;
    const region = lightRegion(picture(grey));
    expect(region.bits.reduce((sum, bit) => sum + bit, 0)).toBe(1);
    expect(tokensOf(region, 4)[4 * 1 + 2]).toBe(1);
  });

  it("must have a pixel", () => {
    expect(() => boxRegion(side, { x: 16, y: 0, width: 4, height: 4 })).toThrow(/inside the 16 x 16 pixels/);
    expect(() => lightRegion(picture(new Uint8Array(side * side).fill(127)))).toThrow(/without light pixels/);
  });

  it("take the drawn pixels, and leave the others to the bit", () => {
    const region = boxRegion(2, { x: 1, y: 0, width: 1, height: 2 });
    const [original, drawn] = [new Uint8Array(12).fill(7), new Uint8Array(12).fill(9)];
    expect([...composite(region, original, drawn)]).toEqual([7, 7, 7, 9, 9, 9, 7, 7, 7, 9, 9, 9]);
  });
});
