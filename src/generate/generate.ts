/** @file Drawing a batch of pictures: steps, candidates and the choice between them, shown as events as they happen. */
import type { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { unpatchify } from "../models/dream/tokens.js";
import type { TextMemory } from "../nn/index.js";
import { scope, type Tensor, tensor } from "../tensor/index.js";
import type { DrawingEngine } from "./engine.js";
import type { NoiseSource } from "./noise.js";
import {
  type DecodingStep,
  decodingSchedule,
  diffusionStepsAt,
  type Guidance,
  type TokenSampling,
} from "./schedule.js";
import {
  type Branching,
  branchings,
  keptTrajectories,
  pickCanvases,
  type Selection,
  scoreCanvas,
  type Trajectory,
} from "./selection.js";
import {
  type AwayBranch,
  type Canvas,
  type Conditions,
  conditionsOf,
  emptyCanvas,
  fillIn,
  pickConditions,
  planStep,
  repeatPlan,
  type StepPlan,
} from "./trajectory.js";

/** What to draw, and how. */
export interface DrawingRequest {
  /** What the decoder reads: states [B, L, W], or word ids int64 [B, L]. */
  readonly captions: Tensor;
  /** What guidance leads away from, in the same form, one row; null: the empty caption. */
  readonly negative: Tensor | null;
  /** Each picture's class, int64 [B], for a model that classes condition; null for the others. */
  readonly classes: Tensor | null;
  /** Tokens for the text tower, int64 [B, context]; not read without selection. */
  readonly captionIds: Tensor;
  /** In which order each image's tokens are drawn: the end of the order first. */
  readonly orders: TokenOrders;
  /** Pictures of which only the hidden tokens are drawn, [B, N, C]; null begins with nothing. */
  readonly given: { readonly tokens: Tensor; readonly hidden: TokenMask } | null;
  readonly noise: NoiseSource;
  readonly stepCount: number;
  readonly guidance: Guidance;
  /** The branch without caption is computed in every n-th step only, and its difference kept between; 1: in each. */
  readonly guidanceEvery: number;
  readonly temperature: number;
  readonly sampling: TokenSampling;
  readonly selection: Selection;
}

/** What happens while pictures are drawn. Tensors are valid until the observer returns. */
export type DrawingEvent =
  | {
      readonly kind: "step";
      readonly step: DecodingStep;
      /** The rows of what follows. */
      readonly trajectories: readonly Trajectory[];
      /** Tokens that were drawn, and what is hidden next. */
      readonly drawn: TokenMask;
      readonly next: TokenMask;
      /** [T, N, C] */
      readonly tokens: Tensor;
    }
  | {
      readonly kind: "choice";
      readonly step: DecodingStep;
      /** What was chosen between: at the first choice all images' first candidates, then all their second ones, and so on. */
      readonly trajectories: readonly Trajectory[];
      /** A cosine for each. */
      readonly scores: readonly number[];
      /** Which of them go on, by their places. */
      readonly kept: readonly number[];
      /** [T, N, C] */
      readonly canvas: Canvas;
    };

export type DrawingObserver = (event: DrawingEvent) => void;

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
  return engine.evaluate(() => new Drawing(engine, request, observe).run());
}

/** Drawings under way. */
interface State {
  readonly canvas: Canvas;
  /** Of each row of the canvas. */
  readonly trajectories: readonly Trajectory[];
}

class Drawing {
  readonly #engine: DrawingEngine;
  readonly #request: DrawingRequest;
  readonly #observe: DrawingObserver;
  /** Of the images, one row for each. */
  readonly #conditions: Conditions;
  readonly #texts: Tensor | null;

  constructor(engine: DrawingEngine, request: DrawingRequest, observe: DrawingObserver) {
    this.#engine = engine;
    const { guidance, captions, negative, selection, captionIds, classes, given } = request;
    // What is given comes last in the orders, and is never drawn.
    const orders = given === null ? request.orders : request.orders.startingWith(given.hidden);
    this.#request = { ...request, orders };
    this.#observe = observe;
    const guided = guidance.kind !== "none" && guidance.scale !== 1;
    const { model, silence } = engine;
    [this.#conditions, this.#texts] = engine.time("captions", () => {
      const away = (): readonly TextMemory[] =>
        negative === null ? silence : model.rememberCaptions(negative);
      const conditions = conditionsOf(model.rememberCaptions(captions), guided ? away() : null, classes);
      return [conditions, selection.kind === "none" ? null : model.embedTexts(captionIds)];
    });
  }

  run(): Tensor {
    const { orders, stepCount, guidance, selection, classes, given } = this.#request;
    const { model, blank } = this.#engine;
    const { tokenCount } = orders;
    const steps = decodingSchedule(tokenCount, stepCount, guidance, given?.hidden.count ?? tokenCount);
    const branching = branchings(selection, steps);
    let state: State = {
      canvas:
        given === null
          ? emptyCanvas(model, orders.batch, classes === null ? blank : null)
          : { tokens: given.tokens, mask: given.hidden, encoded: null, away: null },
      trajectories: Array.from({ length: orders.batch }, (_, image) => ({ image, candidate: 0 })),
    };
    let conditions = this.#conditions;
    for (const [i, step] of steps.entries()) {
      const before = state.trajectories;
      state = scope(() => this.#step(state, conditions, step, branching[i]!, this.#awayBranch(i)));
      if (!sameImages(state.trajectories, before)) conditions = this.#conditionsFor(state.trajectories);
    }
    return unpatchify(state.canvas.tokens, model.config.latent.patch);
  }

  /** @param place of a step among those that draw */
  #awayBranch(place: number): AwayBranch {
    const { guidanceEvery } = this.#request;
    if (guidanceEvery === 1) return "computed";
    return place % guidanceEvery === 0 ? "computed-for-all" : "kept";
  }

  #conditionsFor(trajectories: readonly Trajectory[]): Conditions {
    return pickConditions(
      this.#conditions,
      trajectories.map(({ image }) => image),
    );
  }

  /** One step of all that is under way; drawings that part in it share what comes before its draws. */
  #step(
    { canvas, trajectories }: State,
    conditions: Conditions,
    step: DecodingStep,
    by: Branching,
    away: AwayBranch,
  ): State {
    const orders = this.#request.orders.pick(trajectories.map(({ image }) => image));
    const shared = planStep(this.#engine, canvas, orders, step, conditions, away);
    const { begun } = by;
    const parted =
      begun === 1
        ? trajectories
        : Array.from({ length: begun }, (_, candidate) =>
            trajectories.map(({ image }) => ({ image, candidate })),
          ).flat();
    const plan = repeatPlan(shared, conditions.guided, begun);
    const values = this.#draw(plan, step, parted, conditions.guided);
    const drawn = fillIn(canvas.tokens.repeat([begun, 1, 1]), plan, values);
    this.#observe({
      kind: "step",
      step,
      trajectories: parted,
      drawn: plan.drawn,
      next: plan.next,
      tokens: drawn.tokens,
    });
    if (by.kept === null) return { canvas: drawn, trajectories: parted };
    return this.#choose({ canvas: drawn, trajectories: parted }, step, by.kept);
  }

  /** A step's tokens, by the diffusion head. @returns [P, C] */
  #draw(plan: StepPlan, step: DecodingStep, trajectories: readonly Trajectory[], guided: boolean): Tensor {
    return scope(() => {
      const { model } = this.#engine;
      const { sampling, stepCount, noise, temperature } = this.#request;
      const sampler = this.#engine.sampler(
        sampling.method,
        diffusionStepsAt(sampling, step.index, stepCount),
      );
      const { initial, steps } = noise.draw({
        trajectories,
        tokensPerImage: step.predicted,
        tokenWidth: model.diffusion.tokenWidth,
        noiseBlocks: sampler.noiseBlocks,
      });
      const { device } = model;
      const draws = { initial: initial.to({ device }), steps: steps.to({ device }) };
      const guidance = guided ? { scale: step.guidanceScale } : null;
      return this.#engine.time("head", () => sampler.sample(plan.z, draws, { guidance, temperature }));
    });
  }

  /** The trajectories of each image that fit its caption best. */
  #choose({ canvas, trajectories }: State, step: DecodingStep, count: number): State {
    const { model } = this.#engine;
    const { selection } = this.#request;
    const images = trajectories.map(({ image }) => image);
    const at = tensor(images, [images.length], { dtype: "int64", device: model.device });
    const texts = this.#texts!.indexSelect(0, at);
    const { scores, seen } = this.#engine.time("scores", () => scoreCanvas(model, canvas, texts));
    const separation = selection.kind === "halving" ? selection.separation : null;
    const kept = keptTrajectories(trajectories, scores, count, separation);
    this.#observe({ kind: "choice", step, trajectories, scores, kept, canvas });
    return { canvas: pickCanvases(seen, kept), trajectories: kept.map((place) => trajectories[place]!) };
  }
}

function sameImages(some: readonly Trajectory[], others: readonly Trajectory[]): boolean {
  return some.length === others.length && some.every(({ image }, i) => image === others[i]!.image);
}
