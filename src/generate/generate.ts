/** @file Drawing a batch of pictures: steps, candidates and the choice between them, shown as events as they happen. */
import { DreamError } from "../errors.js";
import type { Dream } from "../models/dream/dream.js";
import type { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { unpatchify } from "../models/dream/tokens.js";
import { cat, noGrad, scope, type Tensor } from "../tensor/index.js";
import type { NoiseSource } from "./noise.js";
import { type DecodingStep, decodingSchedule, type Guidance } from "./schedule.js";
import { bestCandidates, pickCandidates, type Selection, scoreCanvas } from "./selection.js";
import {
  type Canvas,
  type Conditions,
  drawTokens,
  emptyCanvas,
  fillIn,
  planStep,
  rememberConditions,
  repeatConditions,
} from "./trajectory.js";

/** What to draw, and how. */
export interface DrawingRequest {
  /** What the decoder reads: states [B, L, W], or word ids int64 [B, L]. */
  readonly captions: Tensor;
  /** The empty caption in the same form, one row; not read without guidance. */
  readonly emptyCaption: Tensor;
  /** Tokens for the text tower, int64 [B, context]; not read without selection. */
  readonly captionIds: Tensor;
  /** In which order each image's tokens are drawn: the end of the order first. */
  readonly orders: TokenOrders;
  readonly noise: NoiseSource;
  readonly stepCount: number;
  readonly guidance: Guidance;
  readonly temperature: number;
  readonly selection: Selection;
}

/** What happens while pictures are drawn. Tensors are valid until the observer returns. */
export type DrawingEvent =
  | {
      readonly kind: "step";
      readonly step: DecodingStep;
      /** Tokens that were drawn, and what is hidden next; K candidates after one another while several are open. */
      readonly drawn: TokenMask;
      readonly next: TokenMask;
      /** [K B, N, C] */
      readonly tokens: Tensor;
    }
  | {
      readonly kind: "choice";
      readonly step: DecodingStep;
      /** K rows of B cosines. */
      readonly scores: readonly (readonly number[])[];
      readonly best: readonly number[];
      /** The candidates that were chosen between, [K B, N, C]. */
      readonly canvas: Canvas;
    };

export type DrawingObserver = (event: DrawingEvent) => void;

/**
 * Draws latent images.
 * @returns [B, C, H, W] in the units of the latents that the model was trained on
 * @throws DreamError `value` where the selection step is not among the steps
 */
export function drawLatents(
  model: Dream,
  request: DrawingRequest,
  observe: DrawingObserver = () => {},
): Tensor {
  const before = model.mode;
  model.setMode("eval");
  try {
    return noGrad(() => scope(() => new Drawing(model, request, observe).run()));
  } finally {
    model.setMode(before);
  }
}

class Drawing {
  readonly #model: Dream;
  readonly #request: DrawingRequest;
  readonly #observe: DrawingObserver;
  readonly #conditions: Conditions;
  readonly #texts: Tensor | null;
  /** For each image, which candidate's noise goes on. */
  #streams: readonly number[];

  constructor(model: Dream, request: DrawingRequest, observe: DrawingObserver) {
    this.#model = model;
    this.#request = request;
    this.#observe = observe;
    const { guidance, captions, emptyCaption, selection, captionIds, orders } = request;
    const guided = guidance.kind !== "none" && guidance.scale !== 1;
    this.#conditions = rememberConditions(model, captions, guided ? emptyCaption : null);
    this.#texts = selection.kind === "none" ? null : model.embedTexts(captionIds);
    this.#streams = Array.from({ length: orders.batch }, () => 0);
  }

  run(): Tensor {
    const { orders, stepCount, guidance, selection } = this.#request;
    const steps = decodingSchedule(orders.tokenCount, stepCount, guidance);
    const empty = emptyCanvas(this.#model, orders.batch, orders.tokenCount);
    const { tokens } = this.#decode(empty, steps, selection);
    return unpatchify(tokens, this.#model.config.latent.patch);
  }

  #decode(empty: Canvas, steps: readonly DecodingStep[], selection: Selection): Canvas {
    switch (selection.kind) {
      case "none":
        return this.#plainly(empty, steps);
      case "once": {
        const at = steps.findIndex(({ index }) => index >= selection.atStep);
        if (at < 1)
          throw new DreamError("value", {
            operation: "select candidates",
            expected: `a step from 1 to ${steps.at(-1)?.index ?? 1}`,
            got: String(selection.atStep),
            hint: "the choice falls after the first step and before the last; a share of the tokens below 1",
          });
        const chosen = this.#chooseAmong(empty, steps.slice(0, at), selection.candidates);
        return this.#plainly(chosen, steps.slice(at));
      }
      case "each-step": {
        const from = steps.findIndex(({ index }) => index >= selection.fromStep);
        let canvas = this.#plainly(empty, from < 0 ? steps : steps.slice(0, from));
        for (const step of from < 0 ? [] : steps.slice(from))
          canvas = scope(() => this.#bestDraw(canvas, step, selection.candidates));
        return canvas;
      }
      default:
        throw new Error(`internal: no selection ${selection satisfies never}`);
    }
  }

  #plainly(from: Canvas, steps: readonly DecodingStep[]): Canvas {
    let canvas = from;
    for (const step of steps)
      canvas = scope(() => this.#step(canvas, step, this.#request.orders, this.#conditions, [this.#streams]));
    return canvas;
  }

  /** K candidates of each image in one batch, through the given steps; then the choice. */
  #chooseAmong(empty: Canvas, steps: readonly DecodingStep[], K: number): Canvas {
    return scope(() => {
      const { orders } = this.#request;
      const B = orders.batch;
      const streams = Array.from({ length: K }, (_, k) => Array.from({ length: B }, () => k));
      const conditions = repeatConditions(this.#conditions, K);
      const allOrders = orders.repeat(K);
      let canvas: Canvas = { tokens: empty.tokens.repeat([K, 1, 1]), mask: empty.mask.repeat(K) };
      for (const step of steps)
        canvas = scope(() => this.#step(canvas, step, allOrders, conditions, streams));
      const flat = scoreCanvas(this.#model, canvas, this.#texts!.repeat([K, 1])).toNumbers();
      const scores = streams.map((_, k) => flat.slice(k * B, (k + 1) * B));
      const best = bestCandidates(scores);
      this.#streams = best;
      this.#observe({ kind: "choice", step: steps.at(-1)!, scores, best, canvas });
      return pickCandidates(canvas, best);
    });
  }

  #step(
    canvas: Canvas,
    step: DecodingStep,
    orders: TokenOrders,
    conditions: Conditions,
    streams: readonly (readonly number[])[],
  ): Canvas {
    const plan = planStep(this.#model, canvas, orders, step, conditions);
    const drawn = streams.map((candidates) => this.#request.noise.draw(this.#noiseRequest(candidates, step)));
    const noise = {
      initial: cat(
        drawn.map(({ initial }) => initial),
        0,
      ),
      steps: cat(
        drawn.map(({ steps }) => steps),
        1,
      ),
    };
    const values = drawTokens(
      this.#model,
      plan,
      step,
      conditions,
      this.#placed(noise),
      this.#request.temperature,
    );
    const filled = fillIn(canvas, plan, values);
    this.#observe({ kind: "step", step, drawn: plan.drawn, next: plan.next, tokens: filled.tokens });
    return filled;
  }

  /** One step drawn K times from the same decoder output; the best draw of each image stays. */
  #bestDraw(canvas: Canvas, step: DecodingStep, K: number): Canvas {
    const { orders, noise, temperature } = this.#request;
    const plan = planStep(this.#model, canvas, orders, step, this.#conditions);
    const drafts = Array.from({ length: K }, (_, k) => {
      const drawn = this.#placed(
        noise.draw(
          this.#noiseRequest(
            this.#streams.map(() => k),
            step,
          ),
        ),
      );
      return fillIn(canvas, plan, drawTokens(this.#model, plan, step, this.#conditions, drawn, temperature));
    });
    const scores = drafts.map((draft) => scoreCanvas(this.#model, draft, this.#texts!).toNumbers());
    const best = bestCandidates(scores);
    const all = {
      tokens: cat(
        drafts.map(({ tokens }) => tokens),
        0,
      ),
      mask: plan.next.repeat(K),
    };
    const chosen = pickCandidates(all, best);
    this.#observe({ kind: "choice", step, scores, best, canvas: all });
    this.#observe({ kind: "step", step, drawn: plan.drawn, next: plan.next, tokens: chosen.tokens });
    return chosen;
  }

  #noiseRequest(candidates: readonly number[], step: DecodingStep) {
    const { diffusion } = this.#model;
    return {
      candidates,
      tokensPerImage: step.predicted,
      tokenWidth: diffusion.tokenWidth,
      diffusionSteps: diffusion.stepCount,
    };
  }

  #placed({ initial, steps }: { initial: Tensor; steps: Tensor }) {
    const { device } = this.#model;
    return device === "cpu"
      ? { initial, steps }
      : { initial: initial.to({ device }), steps: steps.to({ device }) };
  }
}
