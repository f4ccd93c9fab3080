/** @file A recipe's sample captions drawn while it is trained, always with the same seeds: a grid of each moment, a row for each caption. */
import { join } from "node:path";
import { DrawingPipeline } from "./drawing.js";
import { writeAtomically } from "./formats/atomic.js";
import { encodeGrid, type Grid } from "./formats/picture-grid.js";
import type { TrainedModel } from "./recipe/model-folder.js";

/** A picture of each caption is drawn from each of these. */
const seeds = [1, 2, 3, 4] as const;

/** Pixels on a grid that a picture's side is enlarged to, where it is smaller. */
const sidePixels = 128;

/** Where a run keeps its grids. */
export const samplesFolder = (run: string): string => join(run, "samples");

/**
 * Draws captions plainly, and keeps them as a PNG that tells them.
 * @param trained the averages as they stand @param taken steps, of which the file has its name
 * @throws DreamError `value` where a caption is longer than the model reads
 */
export async function keepSamples(
  run: string,
  trained: TrainedModel,
  captions: readonly string[],
  taken: number,
): Promise<Grid> {
  const grid = await drawGrid(trained, captions);
  const path = join(samplesFolder(run), `step-${String(taken).padStart(8, "0")}.png`);
  await writeAtomically(path, (file) => file.writeFile(grid.png));
  return grid;
}

async function drawGrid(trained: TrainedModel, captions: readonly string[]): Promise<Grid> {
  const pipeline = new DrawingPipeline(trained);
  // A row at a time, so that many captions take no more memory than one.
  const rows = captions.map((caption) =>
    pipeline.draw(
      seeds.map(() => caption),
      { choice: { kind: "plain" }, seeds },
    ),
  );
  pipeline.dispose();
  const side = rows[0]?.[0]?.picture.width ?? sidePixels;
  return encodeGrid(rows, Math.max(1, Math.floor(sidePixels / side)), {
    Description: captions.join("\n"),
  });
}
