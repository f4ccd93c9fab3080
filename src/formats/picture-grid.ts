/** @file Rows of small pictures as one PNG: enlarged without smoothing, so that every pixel is the model's. */
import sharp from "sharp";
import { writeAtomically } from "./atomic.js";
import { encodePng, type Picture } from "./images.js";

const gap = 4;
const margin = 16;
const ground = "#f7f5f0";
const frame = "#d9480f";

/** A picture's place on the grid; null leaves room, to set groups of columns apart. */
export type Cell = { readonly picture: Picture; readonly framed?: boolean } | null;

/** A grid as a PNG, and its size in pixels. */
export interface Grid {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Writes what {@link encodeGrid} makes. */
export async function writeGrid(
  path: string,
  rows: readonly (readonly Cell[])[],
  enlargement: number,
): Promise<void> {
  const { png } = await encodeGrid(rows, enlargement);
  await writeAtomically(path, (file) => file.writeFile(png));
}

/**
 * @param rows of equally large pictures
 * @param enlargement pixels on the grid for each pixel of a picture
 * @param texts kept in the PNG
 */
export async function encodeGrid(
  rows: readonly (readonly Cell[])[],
  enlargement: number,
  texts: Readonly<Record<string, string>> = {},
): Promise<Grid> {
  const side = (rows.flat().find((one) => one !== null)?.picture.width ?? 1) * enlargement;
  const columns = rows[0] ?? [];
  const lefts: number[] = [];
  let left = margin;
  for (const one of columns) {
    lefts.push(left);
    left += one === null ? margin : side + gap;
  }
  const tiles = await Promise.all(
    rows.flatMap((row, r) =>
      row.flatMap((cell, c) => {
        if (cell === null) return [];
        const [x, y] = [lefts[c]!, margin + r * (side + gap)];
        const picture = tile(cell.picture, side, x, y);
        return cell.framed ? [border(side, x, y), picture] : [picture];
      }),
    ),
  );
  const height = 2 * margin + rows.length * (side + gap) - gap;
  const width = left - gap + margin;
  const data = await sharp({ create: { width, height, channels: 3, background: ground } })
    .composite(tiles)
    .removeAlpha()
    .raw()
    .toBuffer();
  return { png: await encodePng({ width, height, data }, texts), width, height };
}

async function tile({ width, height, data }: Picture, side: number, left: number, top: number) {
  const input = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(side, side, { kernel: "nearest" })
    .png()
    .toBuffer();
  return { input, left, top };
}

/** A square that stands out by the gap around a picture. */
function border(side: number, left: number, top: number) {
  const around = side + 2 * gap;
  const input = { create: { width: around, height: around, channels: 3 as const, background: frame } };
  return { input, left: left - gap, top: top - gap };
}
