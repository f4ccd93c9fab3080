import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, it } from "vitest";
import { writeGrid } from "./picture-grid.js";

const black = { width: 2, height: 2, data: new Uint8Array(12) };

it("puts pictures side by side, enlarged, and a frame around the framed one only", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "dream-grid-")), "grid.png");
  await writeGrid(
    path,
    [[{ picture: black }, { picture: black, framed: true }, null, { picture: black }]],
    5,
  );
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number[] => [...data.subarray((y * info.width + x) * 3).subarray(0, 3)];
  const [paper, ink, frame] = [
    [0xf7, 0xf5, 0xf0],
    [0, 0, 0],
    [0xd9, 0x48, 0x0f],
  ];
  // A margin of 16; pictures of 10 with gaps of 4, and room of 16 for the null.
  expect([info.width, info.height]).toEqual([16 + 10 + 4 + 10 + 4 + 16 + 10 + 16, 42]);
  expect([16, 30, 60].map((x) => at(x, 16))).toEqual([ink, ink, ink]);
  expect([at(26, 20), at(29, 20), at(40, 20), at(43, 20), at(35, 12), at(35, 29)]).toEqual(
    Array(6).fill(frame),
  );
  expect([at(15, 20), at(44, 20), at(59, 20), at(70, 20), at(20, 12)]).toEqual(Array(5).fill(paper));
});
