/** @file Drawing a batch of pictures: steps, candidates and the choice between them, shown as events as they happen. */
import { DreamError } from "../errors.js";
import type { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { unpatchify } from "../models/dream/tokens.js";
import { cat, scope, type Tensor } from "../tensor/index.js";
import { type DrawingEngine, inEvaluation } from "./engine.js";
import type { NoiseSource } from "./noise.js";
import {
  type DecodingStep,
  decodingSchedule,
  diffusionStepsAt,
  type Guidance,
  type TokenSampling,
} from "./schedule.js";
import { bestCandidates, pickCandidates, type Selection, scoreCanvas } from "./selection.js";
import {
  type Canvas,
  type Conditions,
  conditionsOf,
  emptyCanvas,
  fillIn,
  planStep,
  repeatConditions,
  repeatPlan,
  type StepPlan,
} from "./trajectory.js";

/** What to draw, and how. */
export interface DrawingRequest {
  /** What the decoder reads: states [B, L, W], or word ids int64 [B, L]. */
  readonly captions: Tensor;
  /** Tokens for the text tower, int64 [B, context]; not read without selection. */
  readonly captionIds: Tensor;
  /** In which order each image's tokens are drawn: the end of the order first. */
  readonly orders: TokenOrders;
  readonly noise: NoiseSource;
  readonly stepCount: number;
  readonly guidance: Guidance;
  readonly temperature: number;
  readonly sampling: TokenSampling;
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
  engine: DrawingEngine,
  request: DrawingRequest,
  observe: DrawingObserver = () => {},
): Tensor {
  return inEvaluation(engine.model, () => new Drawing(engine, request, observe).run());
}

class Drawing {
  readonly #engine: DrawingEngine;
  readonly #request: DrawingRequest;
  readonly #observe: DrawingObserver;
  readonly #conditions: Conditions;
  readonly #texts: Tensor | null;
  /** For each image, which candidate's noise goes on. */
  #streams: readonly number[];

  constructor(engine: DrawingEngine, request: DrawingRequest, observe: DrawingObserver) {
    this.#engine = engine;
    this.#request = request;
    this.#observe = observe;
    const { guidance, captions, selection, captionIds, orders } = request;
    const guided = guidance.kind !== "none" && guidance.scale !== 1;
    this.#conditions = conditionsOf(engine.model.rememberCaptions(captions), guided ? engine.silence : null);
    this.#texts = selection.kind === "none" ? null : engine.model.embedTexts(captionIds);
    this.#streams = Array.from({ length: orders.batch }, () => 0);
  }

  run(): Tensor {
    const { orders, stepCount, guidance, selection } = this.#request;
    const { model, blank } = this.#engine;
    const steps = decodingSchedule(orders.tokenCount, stepCount, guidance);
    const { tokens } = this.#decode(emptyCanvas(model, orders.batch, blank), steps, selection);
    return unpatchify(tokens, model.config.latent.patch);
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
      canvas = scope(() => {
        const plan = planStep(this.#engine.model, canvas, this.#request.orders, step, this.#conditions);
        return this.#drawn(canvas.tokens, plan, step, [this.#streams]);
      });
    return canvas;
  }

  /** K candidates of each image in one batch, through the given steps; then the choice. They part with what the first step draws. */
  #chooseAmong(empty: Canvas, [first, ...others]: readonly DecodingStep[], K: number): Canvas {
    return scope(() => {
      const { orders } = this.#request;
      const B = orders.batch;
      const { guided } = this.#conditions;
      const streams = Array.from({ length: K }, (_, k) => Array.from({ length: B }, () => k));
      const { model } = this.#engine;
      const conditions = repeatConditions(this.#conditions, K);
      const allOrders = orders.repeat(K);
      let canvas = scope(() => {
        const plan = planStep(model, empty, orders, first!, this.#conditions);
        const tokens = empty.tokens.repeat([K, 1, 1]);
        return this.#drawn(tokens, repeatPlan(plan, guided, K), first!, streams);
      });
      for (const step of others)
        canvas = scope(() => {
          const plan = planStep(model, canvas, allOrders, step, conditions);
          return this.#drawn(canvas.tokens, plan, step, streams);
        });
      return this.#chosen(canvas, others.at(-1) ?? first!, K);
    });
  }

  /** One step drawn K times from the same decoder output; the best draw of each image stays. */
  #bestDraw(canvas: Canvas, step: DecodingStep, K: number): Canvas {
    const { orders } = this.#request;
    const plan = planStep(this.#engine.model, canvas, orders, step, this.#conditions);
    const streams = Array.from({ length: K }, (_, k) => this.#streams.map(() => k));
    const drafts = this.#filled(
      canvas.tokens.repeat([K, 1, 1]),
      repeatPlan(plan, this.#conditions.guided, K),
      step,
      streams,
    );
    const chosen = this.#chosen(drafts, step, K);
    this.#observe({ kind: "step", step, drawn: plan.drawn, next: plan.next, tokens: chosen.tokens });
    return chosen;
  }

  /** The candidate of each image that fits its caption best. @param canvas K candidates after one another */
  #chosen(canvas: Canvas, step: DecodingStep, K: number): Canvas {
    const B = this.#request.orders.batch;
    const { scores: flat, seen } = scoreCanvas(this.#engine.model, canvas, this.#texts!.repeat([K, 1]));
    const scores = Array.from({ length: K }, (_, k) => flat.slice(k * B, (k + 1) * B));
    const best = bestCandidates(scores);
    if (this.#request.selection.kind === "once") this.#streams = best;
    this.#observe({ kind: "choice", step, scores, best, canvas });
    return pickCandidates(seen, best);
  }

  #drawn(
    tokens: Tensor,
    plan: StepPlan,
    step: DecodingStep,
    streams: readonly (readonly number[])[],
  ): Canvas {
    const filled = this.#filled(tokens, plan, step, streams);
    this.#observe({ kind: "step", step, drawn: plan.drawn, next: plan.next, tokens: filled.tokens });
    return filled;
  }

  /** @param streams for each of K candidates, whose noise each image takes */
  #filled(
    tokens: Tensor,
    plan: StepPlan,
    step: DecodingStep,
    streams: readonly (readonly number[])[],
  ): Canvas {
    return scope(() => {
      const { model } = this.#engine;
      const { sampling, stepCount } = this.#request;
      const sampler = this.#engine.sampler(
        sampling.method,
        diffusionStepsAt(sampling, step.index, stepCount),
      );
      const drawn = streams.map((candidates) =>
        this.#request.noise.draw({
          candidates,
          tokensPerImage: step.predicted,
          tokenWidth: model.diffusion.tokenWidth,
          noiseBlocks: sampler.noiseBlocks,
        }),
      );
      const { device } = model;
      const initial = cat(
        drawn.map((one) => one.initial),
        0,
      ).to({ device });
      const steps = cat(
        drawn.map((one) => one.steps),
        1,
      ).to({ device });
      const guidance = this.#conditions.guided ? { scale: step.guidanceScale } : null;
      const values = sampler.sample(plan.z, { initial, steps }, this.#request.temperature, guidance);
      return fillIn(tokens, plan, values);
    });
  }
}
