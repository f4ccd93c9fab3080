/** @file Drawings of a split's captions, timed: what measures of drawings look at. */
import type { Sample } from "./data/sample.js";
import type { Wanted } from "./drawing.js";
import type { Drawings, DrawnSample } from "./evaluate/subject.js";
import type { Picture } from "./formats/images.js";
import type { DreamModel } from "./models/dream/dream.js";

/** No evaluation draws more pictures with one seed. */
const seedStride = 100_000;

/** Samples as a model is asked for them: by their captions, or by their classes where those condition it. */
export function wantedOf(samples: readonly Sample[], { config }: DreamModel, seed: number): Wanted[] {
  const byClass = config.classes.kind === "labels";
  return samples.map(({ caption, label }, number) => ({
    caption,
    seed: seed * seedStride + number,
    ...(byClass && label !== null ? { label } : {}),
  }));
}

/** @param pictures of samples 0, 1, ... in their order @param count of them */
export async function timedDrawings(
  pictures: AsyncIterable<Picture>,
  count: number,
  {
    onProgress,
    signal,
  }: { readonly onProgress: (done: number, all: number) => void; readonly signal: AbortSignal },
): Promise<Drawings> {
  const drawn: DrawnSample[] = [];
  const started = performance.now();
  for await (const picture of pictures) {
    drawn.push({ number: drawn.length, picture });
    onProgress(drawn.length, count);
    signal.throwIfAborted();
  }
  return { drawn, seconds: (performance.now() - started) / 1000 };
}
