/** @file Drawing pictures, step by step: one request's from nothing to the end, or several requests' side by side. */
import { scope, type Tensor } from "../tensor/index.js";
import { Drawing } from "./drawing.js";
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
    const drawing = new Drawing(engine, request, observe);
    try {
      while (!drawing.finished) step(engine, [drawing]);
      return drawing.latents();
    } finally {
      drawing.dispose();
    }
  });
}

/** Begins a drawing that {@link advance} finishes. @throws DreamError `value` where a selection's steps are not among the steps */
export function beginDrawing(
  engine: DrawingEngine,
  request: DrawingRequest,
  observe: DrawingObserver,
): Drawing {
  return engine.evaluate(() => new Drawing(engine, request, observe));
}

/** Takes unfinished drawings one decoding step on, each what is its next. */
export function advance(engine: DrawingEngine, drawings: readonly Drawing[]): void {
  engine.evaluate(() => step(engine, drawings));
}

function step(engine: DrawingEngine, drawings: readonly Drawing[]): void {
  scope(() => {
    const plans = planTogether(
      engine,
      drawings.map((drawing) => drawing.start()),
    );
    const draws = drawings.map((drawing, i) => drawing.draws(plans[i]!));
    const values = sampleTogether(
      engine,
      draws.map(({ work }) => work),
    );
    const open = drawings.flatMap((drawing, i) => {
      const judged = drawing.fill(draws[i]!, values[i]!);
      return judged === null ? [] : [{ drawing, judged }];
    });
    const scored = scoreTogether(
      engine,
      open.map(({ judged }) => judged),
    );
    for (const [i, { drawing }] of open.entries()) drawing.choose(scored[i]!);
    for (const drawing of drawings) drawing.finishStep();
  });
}
