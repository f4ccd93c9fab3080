/** @file From sentences to pictures with a trained model: what the commands and, later, the facade call. */
import { wordIds } from "./features/feature-table.js";
import { picturesOf } from "./features/patch-codec.js";
import type { Picture } from "./formats/images.js";
import { type DrawingObserver, drawLatents } from "./generate/generate.js";
import { SeededNoise, seededOrders } from "./generate/noise.js";
import { decodingSchedule, stepsToFraction } from "./generate/schedule.js";
import type { Selection } from "./generate/selection.js";
import { tokenCount } from "./models/dream/config.js";
import type { TrainedModel } from "./recipe/run-folder.js";
import { scope } from "./tensor/index.js";

/** Whether candidates are drawn and chosen between, for {@link drawPictures}. */
export type Choice =
  | { readonly kind: "plain" }
  /** Semantically Aligned Decoding: K candidates until a share of the tokens is decoded, then the best is finished. */
  | { readonly kind: "aligned"; readonly candidates: number; readonly atFraction: number };

export interface DrawOptions {
  readonly choice: Choice;
  /** One for each caption: the same seed draws the same picture in any batch, and plain drawing draws candidate 0. */
  readonly seeds: readonly number[];
  readonly observe?: DrawingObserver;
}

/** Draws a picture for each caption. @throws DreamError `value` where a setting is outside its range */
export function drawPictures(
  trained: TrainedModel,
  captions: readonly string[],
  options: DrawOptions,
): Picture[] {
  const { model, tokenizer, codec, drawing } = trained;
  return scope(() => {
    const N = tokenCount(model.config);
    const ids = wordIds(tokenizer, captions);
    const empty = wordIds(tokenizer, [""]);
    // Guidance 0 asks for what is drawn without a caption: both branches take the empty one (SPEC section 13).
    const silent = drawing.guidance.scale === 0;
    const latents = drawLatents(
      model,
      {
        captions: silent ? empty.repeat([captions.length, 1]) : ids,
        emptyCaption: empty,
        captionIds: ids,
        orders: seededOrders(options.seeds, N),
        noise: new SeededNoise(options.seeds),
        stepCount: drawing.steps,
        guidance: drawing.guidance,
        temperature: drawing.temperature,
        selection: selectionFor(options.choice, N, drawing.steps),
      },
      options.observe,
    );
    return picturesOf(codec.decode(latents));
  });
}

/** The step at which a share of the tokens is decoded, among all the steps asked for. */
function selectionFor(choice: Choice, tokens: number, stepCount: number): Selection {
  if (choice.kind === "plain") return { kind: "none" };
  const steps = decodingSchedule(tokens, stepCount, { kind: "none" });
  const last = steps[stepsToFraction(steps, tokens, choice.atFraction) - 1]!;
  return { kind: "once", candidates: choice.candidates, atStep: last.index + 1 };
}
