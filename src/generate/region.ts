/** @file Which part of a picture is drawn anew: regions in pixels, and the tokens that they touch. */
import { DreamError } from "../errors.js";
import type { Picture } from "../formats/images.js";

/** A yes or no for each pixel of a square picture, row by row; 1 is drawn anew. */
export interface Region {
  readonly side: number;
  readonly bits: Uint8Array;
}

/** A rectangle in pixels, from its top left corner. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** @throws DreamError `value` where no pixel of the picture lies in the box */
export function boxRegion(side: number, { x, y, width, height }: Box): Region {
  const bits = new Uint8Array(side * side);
  for (let row = Math.max(0, y); row < Math.min(side, y + height); row++)
    for (let column = Math.max(0, x); column < Math.min(side, x + width); column++)
      bits[row * side + column] = 1;
  return notEmpty({ side, bits }, `a box of ${width} x ${height} at ${x}, ${y}`);
}

/** The light pixels of a square picture. @throws DreamError `value` where there are none */
export function lightRegion({ width: side, data }: Picture): Region {
  const bits = Uint8Array.from({ length: side * side }, (_, at) =>
    Math.round((data[3 * at]! + data[3 * at + 1]! + data[3 * at + 2]!) / 3) >= 128 ? 1 : 0,
  );
  return notEmpty({ side, bits }, "a mask without light pixels");
}

function notEmpty(region: Region, what: string): Region {
  if (region.bits.includes(1)) return region;
  throw new DreamError("value", {
    operation: "edit a picture",
    expected: `a region inside the ${region.side} x ${region.side} pixels that the model draws`,
    got: what,
  });
}

/** The tokens that a region touches. @param tokensPerSide of the picture's square of tokens @returns [N] of 0 and 1 */
export function tokensOf({ side, bits }: Region, tokensPerSide: number): Uint8Array {
  const pixels = side / tokensPerSide;
  const tokens = new Uint8Array(tokensPerSide ** 2);
  for (const [at, bit] of bits.entries()) {
    if (bit === 0) continue;
    const [row, column] = [Math.floor(at / side / pixels), Math.floor((at % side) / pixels)];
    tokens[row * tokensPerSide + column] = 1;
  }
  return tokens;
}

/** The drawn pixels inside a region, the original's outside. @param original, drawn RGB bytes, row by row */
export function composite({ bits }: Region, original: Uint8Array, drawn: Uint8Array): Uint8Array {
  return drawn.map((value, at) => (bits[Math.floor(at / 3)] === 1 ? value : original[at]!));
}
