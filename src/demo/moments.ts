/** @file The same sentences drawn at moments of training, kept as PNGs so that a resumed run has them all. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DrawingPipeline } from "../drawing.js";
import { writeAtomically } from "../formats/atomic.js";
import { decodePicture, encodePng } from "../formats/images.js";
import type { TrainedModel } from "../recipe/model-folder.js";
import type { Moment } from "../report/demo-story.js";
import type { Prompt } from "./prompts.js";

const folderOf = (run: string, step: number): string => join(run, "moments", String(step).padStart(6, "0"));

/** Draws the sentences plainly, and keeps the pictures. */
export async function keepMoment(
  run: string,
  step: number,
  trained: TrainedModel,
  prompts: readonly Prompt[],
): Promise<void> {
  const pipeline = new DrawingPipeline(trained);
  const drawings = pipeline.draw(
    prompts.map(({ caption }) => caption),
    { choice: { kind: "plain" }, seeds: prompts.map(({ seed }) => seed) },
  );
  pipeline.dispose();
  for (const [i, { picture }] of drawings.entries()) {
    const png = await encodePng(picture, { Description: prompts[i]!.caption });
    await writeAtomically(join(folderOf(run, step), `${prompts[i]!.id}.png`), (file) => file.writeFile(png));
  }
}

/** The moments kept so far, in order. */
export async function readMoments(run: string, prompts: readonly Prompt[]): Promise<Moment[]> {
  const folder = join(run, "moments");
  const steps = existsSync(folder)
    ? readdirSync(folder)
        .map(Number)
        .sort((a, b) => a - b)
    : [];
  return Promise.all(
    steps.map(async (step) => ({
      step,
      pictures: await Promise.all(
        prompts.map(({ id }) => {
          const path = join(folderOf(run, step), `${id}.png`);
          return decodePicture(readFileSync(path), path);
        }),
      ),
    })),
  );
}
