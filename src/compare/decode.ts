/** @file Pictures of captions in one of a comparison's ways of drawing. */
import type { DrawingPipeline, Wanted } from "../drawing.js";
import type { PairJudge } from "../evaluate/subject.js";
import type { Picture } from "../formats/images.js";
import type { Decoder } from "./comparison.js";

/** Canvases that are drawn at a time. */
const window = 120;

/** @param reranker needed by decoders that rerank */
export async function* decoded(
  pipeline: DrawingPipeline,
  decoder: Decoder,
  wanted: readonly Wanted[],
  reranker: PairJudge | null,
): AsyncGenerator<Picture> {
  if (decoder.kind === "reranked") yield* reranked(pipeline, decoder.candidates, wanted, reranker!);
  else for await (const { picture } of pipeline.drawAll(wanted, { choice: decoder }, window)) yield picture;
}

/** All candidates are finished, and the one that the other system's towers score highest is kept. */
async function* reranked(
  pipeline: DrawingPipeline,
  candidates: number,
  wanted: readonly Wanted[],
  judge: PairJudge,
): AsyncGenerator<Picture> {
  const perBatch = Math.max(1, Math.floor(window / candidates));
  for (let first = 0; first < wanted.length; first += perBatch) {
    const batch = wanted.slice(first, first + perBatch);
    const captions = batch.map(({ caption }) => caption);
    const seeds = batch.map(({ seed }) => seed);
    const finished = pipeline.candidates(captions, { seeds, candidates, fractions: [] });
    for (const [i, { pictures }] of finished.entries()) {
      const scores = judge.scores(
        pictures,
        pictures.map(() => captions[i]!),
      );
      yield pictures[scores.indexOf(Math.max(...scores))]!;
    }
    // Lets signals in.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
