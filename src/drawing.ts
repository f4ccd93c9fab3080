/** @file From sentences to pictures with a trained model: what the commands and, later, the facade call. */
import { DreamError } from "./errors.js";
import type { CaptionReader } from "./features/caption-reader.js";
import { picturesOf } from "./features/pixels.js";
import type { Picture } from "./formats/images.js";
import { DrawingEngine } from "./generate/engine.js";
import { drawEveryCandidate } from "./generate/every-candidate.js";
import { drawLatents } from "./generate/generate.js";
import { SeededNoise, seededOrders } from "./generate/noise.js";
import {
  ancestral,
  type DecodingStep,
  decodingSchedule,
  stepsToFraction,
  type TokenSampling,
} from "./generate/schedule.js";
import type { Selection } from "./generate/selection.js";
import { tokenCount } from "./models/dream/config.js";
import { unpatchify } from "./models/dream/tokens.js";
import type { TrainedModel } from "./recipe/model-folder.js";
import type { Recipe } from "./recipe/recipe.js";
import { scope } from "./tensor/index.js";

/** How a drawing is sampled: steps, guidance, temperature. */
export type Sampling = Pick<Recipe["drawing"], "steps" | "guidance" | "temperature"> & {
  /** The paper's where left out. */
  readonly tokens?: TokenSampling;
};

/** Whether candidates are drawn and chosen between. */
export type Choice =
  | { readonly kind: "plain" }
  /** Semantically Aligned Decoding: K candidates until a share of the tokens is decoded, then the best is finished. */
  | { readonly kind: "aligned"; readonly candidates: number; readonly atFraction: number };

export interface DrawOptions {
  readonly choice: Choice;
  /** One for each caption: the same seed draws the same picture in any batch, and plain drawing draws candidate 0. */
  readonly seeds: readonly number[];
  /** The model's own where left out. */
  readonly sampling?: Sampling;
  readonly onStep?: (step: DecodingStep) => void;
  /** Shown every candidate at the moment of choice: for each caption its K half-drawn pictures. */
  readonly onChoice?: (halfDrawn: readonly (readonly Picture[])[], step: DecodingStep) => void;
}

/** One drawn picture. */
export interface Drawing {
  readonly picture: Picture;
  /** Cosine of each half-drawn candidate and the caption; none where drawing was plain. */
  readonly candidateScores: readonly number[];
  /** Which candidate was finished. */
  readonly chosen: number;
}

/** Every candidate of a caption, finished. */
export interface FinishedCandidates {
  /** K pictures; the first is what plain drawing gives. */
  readonly pictures: readonly Picture[];
  /** For each fraction asked for, K cosines. */
  readonly scores: readonly (readonly number[])[];
}

/** Draws with a model whose weights stay as they are. */
export class DrawingPipeline {
  readonly #engine: DrawingEngine;

  constructor(readonly trained: TrainedModel) {
    this.#engine = scope(() => new DrawingEngine(trained.model, trained.captions.told([""])));
  }

  /**
   * Draws a picture for each caption.
   * @throws DreamError `value` where a setting is outside its range or a caption is longer than the model reads
   */
  draw(
    captions: readonly string[],
    { choice, seeds, sampling = this.trained.drawing, onStep, onChoice }: DrawOptions,
  ): Drawing[] {
    const { model, codec } = this.trained;
    return scope(() => {
      const N = tokenCount(model.config);
      // Of each caption's candidates, the last score that each had, and who was left after the last choice.
      const scores = captions.map((): number[] => []);
      const chosen = captions.map(() => 0);
      const latents = drawLatents(
        this.#engine,
        {
          ...this.#request(captions, sampling),
          orders: seededOrders(seeds, N),
          noise: new SeededNoise(seeds),
          selection: selectionFor(choice, N, sampling.steps),
        },
        (event) => {
          if (event.kind === "step") return onStep?.(event.step);
          for (const [place, { image, candidate }] of event.trajectories.entries())
            scores[image]![candidate] = event.scores[place]!;
          for (const place of event.kept) {
            const { image, candidate } = event.trajectories[place]!;
            chosen[image] = candidate;
          }
          if (onChoice === undefined) return;
          const all = picturesOf(codec.decode(unpatchify(event.canvas.tokens, model.config.latent.patch)));
          onChoice(
            captions.map((_, b) => all.filter((_, place) => event.trajectories[place]!.image === b)),
            event.step,
          );
        },
      );
      return picturesOf(codec.decode(latents)).map((picture, b) => ({
        picture,
        candidateScores: scores[b]!,
        chosen: chosen[b]!,
      }));
    });
  }

  /** Finishes all K candidates of each caption, and scores each at some shares of the tokens. */
  candidates(
    captions: readonly string[],
    options: {
      readonly seeds: readonly number[];
      readonly candidates: number;
      readonly fractions: readonly number[];
    },
  ): FinishedCandidates[] {
    return scope(() => {
      const { codec, drawing } = this.trained;
      const request = { ...this.#request(captions, drawing), ...options };
      const { latents, scores } = drawEveryCandidate(this.#engine, request);
      const pictures = picturesOf(codec.decode(latents));
      const ofCaption = <T>(all: readonly T[], b: number): T[] =>
        Array.from({ length: options.candidates }, (_, k) => all[k * captions.length + b]!);
      return captions.map((_, b) => ({
        pictures: ofCaption(pictures, b),
        scores: scores.map((rows) => rows.map((row) => row[b]!)),
      }));
    });
  }

  dispose(): void {
    this.#engine.dispose();
  }

  /** @throws DreamError `value` where a caption does not fit */
  #request(
    captions: readonly string[],
    { steps: stepCount, guidance, temperature, tokens = ancestral }: Sampling,
  ) {
    const { captions: reader } = this.trained;
    for (const caption of captions) checkCaption(reader, caption);
    // Guidance 0 asks for what is drawn without a caption: both branches take the empty one (SPEC section 13).
    const told = reader.told(guidance.scale === 0 ? captions.map(() => "") : captions);
    return {
      captions: told,
      captionIds: reader.ids(captions),
      stepCount,
      guidance,
      temperature,
      sampling: tokens,
      given: null,
      negative: null,
    };
  }
}

/** @throws DreamError `value` where a caption is longer than a model reads */
export function checkCaption(reader: CaptionReader, caption: string): void {
  const { found, most, unit } = reader.length(caption);
  if (found <= most) return;
  throw new DreamError("value", {
    operation: "read caption",
    expected: `at most ${most} ${unit}, which is what this model reads`,
    got: `${found} ${unit}: "${caption.slice(0, 40)}..."`,
    hint: "shorten it",
  });
}

/** The step at which a share of the tokens is decoded, among all the steps asked for. */
function selectionFor(choice: Choice, tokens: number, stepCount: number): Selection {
  if (choice.kind === "plain") return { kind: "none" };
  const steps = decodingSchedule(tokens, stepCount, { kind: "none" });
  const last = steps[stepsToFraction(steps, tokens, choice.atFraction) - 1]!;
  return { kind: "once", candidates: choice.candidates, atStep: last.index + 1 };
}
