/** @file From sentences to pictures with a trained model: what the commands and, later, the facade call. */
import { type Choice, selectionFor } from "./drawing-choice.js";
import { DreamError } from "./errors.js";
import type { CaptionReader } from "./features/caption-reader.js";
import { picturesOf, pixelsOf } from "./features/pixels.js";
import type { Picture } from "./formats/images.js";
import type { Decoding } from "./generate/decoding.js";
import { DrawingEngine, type EngineOptions } from "./generate/engine.js";
import { drawEveryCandidate } from "./generate/every-candidate.js";
import { advance, beginDecoding } from "./generate/generate.js";
import { SeededNoise, seededOrders } from "./generate/noise.js";
import type { DrawingRequest } from "./generate/request.js";
import { ancestral, type DecodingStep, decodingSchedule, type TokenSampling } from "./generate/schedule.js";
import type { Trajectory } from "./generate/selection.js";
import { tokenCount } from "./models/dream/config.js";
import { TokenMask } from "./models/dream/mask.js";
import { patchify, unpatchify } from "./models/dream/tokens.js";
import type { TrainedModel } from "./recipe/model-folder.js";
import type { Recipe } from "./recipe/recipe.js";
import { scope, type Tensor, tensor } from "./tensor/index.js";

/** How a drawing is sampled: steps, guidance, temperature. */
export type Sampling = Pick<Recipe["drawing"], "steps" | "guidance" | "temperature"> & {
  /** The paper's where left out. */
  readonly tokens?: TokenSampling;
  /** Steps from one computation of the branch without caption to the next; 1 where left out. */
  readonly guidanceEvery?: number;
};

/** A picture of which a region is drawn anew. */
export interface Edit {
  /** Square, as large as the model draws. */
  readonly picture: Picture;
  /** The tokens that are drawn anew, [N] of 0 and 1. */
  readonly redrawn: Uint8Array;
}

/** How captions are drawn. */
export interface DrawOptions {
  readonly choice: Choice;
  /** One for each caption: the same seed draws the same picture in any batch, and plain drawing draws candidate 0. */
  readonly seeds: readonly number[];
  /** One for each caption, for a model that classes condition; captions say nothing to it then. */
  readonly classes?: readonly number[];
  /** The model's own where left out. */
  readonly sampling?: Sampling;
  /** What guidance leads away from; the empty caption where left out. */
  readonly negative?: string;
  /** What all drawings begin with; nothing where left out. */
  readonly edit?: Edit;
  /**
   * Told of each decoding step.
   * @param count captions that are drawn together
   * @param halfDrawn what there is of each caption's candidates; to be called at once or not at all
   */
  readonly onStep?: (step: DecodingStep, count: number, halfDrawn: () => HalfDrawn[]) => void;
  /** Shown each moment of choice. */
  readonly onChoice?: (moment: ChoiceMoment) => void;
}

/** Some candidates go on, the others do not. */
export interface ChoiceMoment {
  readonly step: DecodingStep;
  /** For each caption what was chosen between. */
  readonly candidates: readonly (readonly ScoredCandidate[])[];
  /** Their half-drawn pictures; to be called at once or not at all. */
  readonly halfDrawn: () => HalfDrawn[];
}

/** What there is of one caption's candidates. */
export interface HalfDrawn {
  readonly pictures: readonly Picture[];
  /** Tokens that are still to be drawn, by their places, row by row: the same of all candidates. */
  readonly hidden: readonly number[];
}

export interface ScoredCandidate {
  readonly candidate: number;
  /** Cosine of the half-drawn picture and the caption. */
  readonly score: number;
  readonly kept: boolean;
}

/** A picture that is asked for. */
export interface Wanted {
  readonly caption: string;
  readonly seed: number;
  /** Its class, for a model that classes condition. */
  readonly label?: number;
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

/** Drawings under way, which hold what they need until they are disposed. */
export class Begun {
  constructor(
    /** internal: */
    readonly decoding: Decoding,
    /** One for each caption, once finished. */
    readonly drawings: () => Drawing[],
  ) {}

  get finished(): boolean {
    return this.decoding.finished;
  }

  /** Decoding steps that it takes. */
  get steps(): number {
    return this.decoding.steps;
  }

  dispose(): void {
    this.decoding.dispose();
  }
}

/** Draws with a model whose weights stay as they are. */
export class DrawingPipeline {
  readonly #engine: DrawingEngine;

  constructor(
    readonly trained: TrainedModel,
    options: EngineOptions = {},
  ) {
    const { model, captions } = trained;
    const { device } = model;
    this.#engine = scope(() => new DrawingEngine(model, captions.told([""]).to({ device }), options));
  }

  /**
   * Draws a picture for each caption.
   * @throws DreamError `value` where a setting is outside its range or a caption is longer than the model reads
   */
  draw(captions: readonly string[], options: DrawOptions): Drawing[] {
    return this.#engine.evaluate(() => {
      const begun = this.begin(captions, options);
      try {
        while (!begun.finished) this.advance([begun]);
        return begun.drawings();
      } finally {
        begun.dispose();
      }
    });
  }

  /**
   * Begins a picture for each caption; {@link advance} finishes them, beside others or alone.
   * @throws DreamError `value` where a setting is outside its range or a caption is longer than the model reads
   */
  begin(captions: readonly string[], options: DrawOptions): Begun {
    const {
      choice,
      seeds,
      classes,
      sampling = this.trained.drawing,
      negative,
      edit,
      onStep,
      onChoice,
    } = options;
    const { model } = this.trained;
    return scope(() => {
      const N = tokenCount(model.config);
      const given = edit === undefined ? null : this.#given(edit, captions.length);
      // Of each caption's candidates, the last score that each had, and who was left after the last choice.
      const scores = captions.map((): number[] => []);
      const chosen = captions.map(() => 0);
      const halfDrawn = (
        tokens: Tensor,
        mask: TokenMask,
        trajectories: readonly Trajectory[],
      ): HalfDrawn[] => {
        const all = this.#pictures(unpatchify(tokens, model.config.latent.patch));
        return captions.map((_, b) => ({
          pictures: all.filter((_, place) => trajectories[place]!.image === b),
          hidden: mask.chosenOf(trajectories.findIndex(({ image }) => image === b)),
        }));
      };
      const decoding = beginDecoding(
        this.#engine,
        {
          ...this.#request(captions, sampling, negative),
          classes: this.#classes(classes, choice, negative),
          orders: seededOrders(seeds, N),
          noise: new SeededNoise(seeds),
          selection: selectionFor(
            choice,
            decodingSchedule(N, sampling.steps, { kind: "none" }, given?.hidden.count),
          ),
          given,
        },
        (event) => {
          const { step, trajectories } = event;
          if (event.kind === "step")
            return onStep?.(step, captions.length, () => halfDrawn(event.tokens, event.next, trajectories));
          const kept = new Set(event.kept);
          const candidates = captions.map((): ScoredCandidate[] => []);
          for (const [place, { image, candidate }] of trajectories.entries()) {
            const score = event.scores[place]!;
            candidates[image]!.push({ candidate, score, kept: kept.has(place) });
            scores[image]![candidate] = score;
            if (kept.has(place)) chosen[image] = candidate;
          }
          const { tokens, mask } = event.canvas;
          onChoice?.({ step, candidates, halfDrawn: () => halfDrawn(tokens, mask, trajectories) });
        },
      );
      const drawings = (): Drawing[] => {
        const pictures = this.#engine.time("codec", () => scope(() => this.#pictures(decoding.latents())));
        return pictures.map((picture, b) => ({
          picture,
          candidateScores: scores[b]!,
          chosen: chosen[b]!,
        }));
      };
      return new Begun(decoding, drawings);
    });
  }

  /** Takes unfinished drawings one decoding step on, together. */
  advance(drawings: readonly Begun[]): void {
    advance(
      this.#engine,
      drawings.map(({ decoding }) => decoding),
    );
  }

  /**
   * Draws any number of captions, each from its seed, in batches of as many as fit the window; a batch's drawings come as soon as it is done. The
   * same seed draws the same picture whatever is drawn beside it.
   * @param window canvases that are drawn together, all candidates counted
   */
  async *drawAll(
    wanted: Iterable<Wanted>,
    options: Omit<DrawOptions, "seeds" | "classes">,
    window = 40,
  ): AsyncGenerator<Drawing & Wanted & { readonly seconds: number }> {
    const { choice } = options;
    const perBatch = Math.max(1, Math.floor(window / (choice.kind === "plain" ? 1 : choice.candidates)));
    let batch: Wanted[] = [];
    const drawn = (): (Drawing & Wanted & { readonly seconds: number })[] => {
      const started = performance.now();
      const captions = batch.map(({ caption }) => caption);
      const labels = batch.flatMap(({ label }) => label ?? []);
      const drawings = this.draw(captions, {
        ...options,
        seeds: batch.map(({ seed }) => seed),
        ...(labels.length === batch.length ? { classes: labels } : {}),
      });
      const seconds = (performance.now() - started) / 1000 / batch.length;
      return drawings.map((drawing, i) => ({ ...drawing, ...batch[i]!, seconds }));
    };
    for (const one of wanted) {
      batch.push(one);
      if (batch.length < perBatch) continue;
      yield* drawn();
      batch = [];
      // Lets signals and others in.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (batch.length > 0) yield* drawn();
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
      const { drawing } = this.trained;
      const classes = this.#classes(undefined, { kind: "aligned", candidates: 1, atFraction: 1 }, undefined);
      const request = { ...this.#request(captions, drawing), ...options, classes, given: null };
      const { latents, scores } = drawEveryCandidate(this.#engine, request);
      const pictures = this.#pictures(latents);
      const ofCaption = <T>(all: readonly T[], b: number): T[] =>
        Array.from({ length: options.candidates }, (_, k) => all[k * captions.length + b]!);
      return captions.map((_, b) => ({
        pictures: ofCaption(pictures, b),
        scores: scores.map((rows) => rows.map((row) => row[b]!)),
      }));
    });
  }

  /** Frees what all drawings share; the model stays. */
  dispose(): void {
    this.#engine.dispose();
  }

  /** @throws DreamError `value` where a caption does not fit */
  #request(
    captions: readonly string[],
    { steps: stepCount, guidance, temperature, tokens = ancestral, guidanceEvery = 1 }: Sampling,
    negative?: string,
  ) {
    const { captions: reader, model } = this.trained;
    const { device } = model;
    for (const caption of [...captions, negative ?? ""]) checkCaption(reader, caption);
    // Guidance 0 asks for what is drawn without a caption: both branches take the empty one (SPEC section 13), as a model of classes always does.
    const silent = guidance.scale === 0 || model.config.classes.kind === "labels";
    const told = reader.told(silent ? captions.map(() => "") : captions);
    return {
      captions: told.to({ device }),
      negative: negative === undefined ? null : reader.told([negative]).to({ device }),
      captionIds: reader.ids(captions).to({ device }),
      stepCount,
      guidance,
      guidanceEvery,
      temperature,
      sampling: tokens,
    };
  }

  /** @throws DreamError `value` where a model is asked for what it was not trained for */
  #classes(
    classes: readonly number[] | undefined,
    choice: Choice,
    negative: string | undefined,
  ): Tensor | null {
    const { model } = this.trained;
    const { classes: known, lossWeights } = model.config;
    const refuse = (expected: string, got: string): DreamError =>
      new DreamError("value", { operation: "draw", expected, got });
    if (choice.kind !== "plain" && lossWeights.contrastive === 0)
      throw refuse(
        "plain drawing: this model was not trained to tell which picture fits a caption",
        choice.kind,
      );
    if (known.kind === "shared") {
      if (classes === undefined) return null;
      throw refuse("captions: this model was not trained on classes", `classes ${classes.join(", ")}`);
    }
    if (classes === undefined)
      throw refuse(`classes from 0 to ${known.count - 1}, which this model draws`, "none");
    if (negative !== undefined) throw refuse("no negative caption: classes condition this model", negative);
    const wrong = classes.find((one) => !Number.isInteger(one) || one < 0 || one >= known.count);
    if (wrong !== undefined) throw refuse(`classes from 0 to ${known.count - 1}`, String(wrong));
    return tensor(classes, [classes.length], { dtype: "int64", device: model.device });
  }

  /** @param latents [B, C, H, W] */
  #pictures(latents: Tensor): Picture[] {
    return picturesOf(this.trained.codec.decode(latents.to({ device: "cpu" })));
  }

  /** @throws DreamError `shape` where the picture is not as large as the model draws */
  #given({ picture, redrawn }: Edit, batch: number): DrawingRequest["given"] {
    const { model, codec } = this.trained;
    const side = model.config.latent.side * codec.stride;
    if (picture.width !== side || picture.height !== side)
      throw new DreamError("shape", {
        operation: "edit a picture",
        expected: `${side} x ${side} pixels, which is what this model draws`,
        got: `${picture.width} x ${picture.height}`,
      });
    const latents = codec.latents(codec.encode(pixelsOf([picture])), null);
    const tokens = patchify(latents, model.config.latent.patch).to({ device: model.device });
    const bits = new Uint8Array(batch * redrawn.length);
    for (let b = 0; b < batch; b++) bits.set(redrawn, b * redrawn.length);
    return { tokens: tokens.repeat([batch, 1, 1]), hidden: TokenMask.fromBits(batch, bits) };
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
