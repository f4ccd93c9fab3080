/** @file Drawing pictures, step by step: one request's from nothing to the end, or several requests' side by side. */
import { scope, type Tensor } from "../tensor/index.js";
import { Decoding } from "./decoding.js";
import type { DrawingEngine } from "./engine.js";
import type { DrawingObserver, DrawingRequest } from "./request.js";
import { planTogether, sampleTogether, scoreTogether } from "./together.js";

/**
 * Draws latent images.
 * @returns [B, C, H, W] in the units of the latents that the model was trained on
 * @throws DreamError `value` where a selection's steps are not among the steps
 */
export function drawLatents(
  engine: DrawingEngine,
  request: DrawingRequest,
  observe: DrawingObserver = () => {},
): Tensor {
  return engine.evaluate(() => {
    const decoding = new Decoding(engine, request, observe);
    try {
      while (!decoding.finished) step(engine, [decoding]);
      return decoding.latents();
    } finally {
      decoding.dispose();
    }
  });
}

/** Begins a decoding that {@link advance} finishes. @throws DreamError `value` where a selection's steps are not among the steps */
export function beginDecoding(
  engine: DrawingEngine,
  request: DrawingRequest,
  observe: DrawingObserver,
): Decoding {
  return engine.evaluate(() => new Decoding(engine, request, observe));
}

/** Takes unfinished decodings one step on, each what is its next. */
export function advance(engine: DrawingEngine, decodings: readonly Decoding[]): void {
  engine.evaluate(() => step(engine, decodings));
}

function step(engine: DrawingEngine, decodings: readonly Decoding[]): void {
  scope(() => {
    const plans = planTogether(
      engine,
      decodings.map((decoding) => decoding.start()),
    );
    const draws = decodings.map((decoding, i) => decoding.draws(plans[i]!));
    const values = sampleTogether(
      engine,
      draws.map(({ work }) => work),
    );
    const open = decodings.flatMap((decoding, i) => {
      const judged = decoding.fill(draws[i]!, values[i]!);
      return judged === null ? [] : [{ decoding, judged }];
    });
    const scored = scoreTogether(
      engine,
      open.map(({ judged }) => judged),
    );
    for (const [i, { decoding }] of open.entries()) decoding.choose(scored[i]!);
    for (const decoding of decodings) decoding.finishStep();
  });
}
