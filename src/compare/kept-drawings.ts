/** @file The first drawings of a system as one picture, the same captions for all systems. */
import { join } from "node:path";
import type { Drawings } from "../evaluate/subject.js";
import { writeGrid } from "../formats/picture-grid.js";

/** Pictures on a grid, and in a row of it. */
const shown = 24;
const perRow = 12;

export const gridFile = (folder: string, name: string): string => join(folder, "drawings", `${name}.png`);

export async function keepDrawings(folder: string, name: string, { drawn }: Drawings): Promise<void> {
  const cells = drawn.slice(0, shown).map(({ picture }) => ({ picture }));
  const rows = Array.from({ length: Math.ceil(cells.length / perRow) }, (_, row) =>
    cells.slice(row * perRow, (row + 1) * perRow),
  );
  await writeGrid(gridFile(folder, name), rows, 1);
}
