/** @file One request's pictures under way: what they are drawn from, where they are, and what a choice leaves of them. */
import { unpatchify } from "../models/dream/tokens.js";
import type { TextMemory } from "../nn/index.js";
import { type Tensor, tensor } from "../tensor/index.js";
import type { DrawingEngine } from "./engine.js";
import type { DrawingObserver, DrawingRequest } from "./request.js";
import { type DecodingStep, decodingSchedule, diffusionStepsAt } from "./schedule.js";
import { type Branching, branchings, keptTrajectories, pickCanvases, type Trajectory } from "./selection.js";
import type { HeadWork, Judged, Scored } from "./together.js";
import {
  type AwayBranch,
  type Canvas,
  type Conditions,
  conditionsOf,
  emptyCanvas,
  fillIn,
  pickConditions,
  repeatPlan,
  type StepPlan,
  type StepStart,
} from "./trajectory.js";

/** What one step draws. */
export interface StepDraws {
  readonly plan: StepPlan;
  readonly trajectories: readonly Trajectory[];
  readonly work: HeadWork;
}

/** `advance` takes it from step to step, alone or beside others. Between steps it holds what it needs, until it is disposed. */
export class Decoding {
  readonly #engine: DrawingEngine;
  readonly #request: DrawingRequest;
  readonly #observe: DrawingObserver;
  readonly #steps: readonly DecodingStep[];
  readonly #branchings: readonly Branching[];
  /** Of the images, one row for each. */
  readonly #ofImages: Conditions;
  readonly #texts: Tensor | null;
  /** Of the canvas's rows. */
  #conditions: Conditions;
  #canvas: Canvas;
  /** Of the canvas's rows. */
  #trajectories: readonly Trajectory[];
  /** The image that each row of the conditions is of. */
  #told: readonly number[];
  /** Steps that are done, of those that draw. */
  #done = 0;
  #held = new Set<Tensor>();

  /**
   * @param observe is told of each step and choice
   * @throws DreamError `value` where a selection's steps are not among the steps
   */
  constructor(engine: DrawingEngine, request: DrawingRequest, observe: DrawingObserver) {
    const { guidance, stepCount, selection, classes, given } = request;
    // What is given comes last in the orders, and is never drawn.
    const orders = given === null ? request.orders : request.orders.startingWith(given.hidden);
    const { batch, tokenCount } = orders;
    this.#engine = engine;
    this.#request = { ...request, orders };
    this.#observe = observe;
    this.#steps = decodingSchedule(tokenCount, stepCount, guidance, given?.hidden.count ?? tokenCount);
    this.#branchings = branchings(selection, this.#steps);
    [this.#ofImages, this.#texts] = engine.time("captions", () => this.#read());
    this.#conditions = this.#ofImages;
    this.#canvas =
      given === null
        ? emptyCanvas(engine.model, batch, classes === null ? engine.blank : null)
        : { tokens: given.tokens.clone(), mask: given.hidden, encoded: null, away: null };
    this.#trajectories = Array.from({ length: batch }, (_, image) => ({ image, candidate: 0 }));
    this.#told = this.#images;
    this.#hold();
  }

  /** Whether all its tokens are drawn. */
  get finished(): boolean {
    return this.#done === this.#steps.length;
  }

  /** How many steps draw something. */
  get steps(): number {
    return this.#steps.length;
  }

  /** @returns [B, C, H, W] in the units of the latents that the model was trained on, once finished */
  latents(): Tensor {
    return unpatchify(this.#canvas.tokens, this.#engine.model.config.latent.patch);
  }

  dispose(): void {
    for (const tensor of this.#held) tensor.dispose();
    this.#held.clear();
  }

  /** What the next step begins with. */
  start(): StepStart {
    return {
      canvas: this.#canvas,
      orders: this.#request.orders.pick(this.#images),
      step: this.#step,
      conditions: this.#conditions,
      away: this.#awayBranch,
    };
  }

  /** What a step asks of the head. Drawings that part in it share what comes before its draws. */
  draws(shared: StepPlan): StepDraws {
    const { begun } = this.#branchings[this.#done]!;
    const { guided } = this.#conditions;
    const trajectories =
      begun === 1
        ? this.#trajectories
        : Array.from({ length: begun }, (_, candidate) =>
            this.#trajectories.map(({ image }) => ({ image, candidate })),
          ).flat();
    const plan = repeatPlan(shared, guided, begun);
    const step = this.#step;
    const { model } = this.#engine;
    const { sampling, stepCount, noise, temperature } = this.#request;
    const sampler = this.#engine.sampler(sampling.method, diffusionStepsAt(sampling, step.index, stepCount));
    const { initial, steps } = noise.draw({
      trajectories,
      tokensPerImage: step.predicted,
      tokenWidth: model.diffusion.tokenWidth,
      noiseBlocks: sampler.noiseBlocks,
    });
    const { device } = model;
    const work = {
      sampler,
      z: plan.z,
      noise: { initial: initial.to({ device }), steps: steps.to({ device }) },
      guidanceScale: guided ? step.guidanceScale : null,
      temperature,
    };
    return { plan, trajectories, work };
  }

  /** Puts a step's tokens in place. @param values [P, C] @returns what is to be chosen between; null where nothing is */
  fill({ plan, trajectories }: StepDraws, values: Tensor): Judged | null {
    const { begun, kept } = this.#branchings[this.#done]!;
    this.#canvas = fillIn(this.#canvas.tokens.repeat([begun, 1, 1]), plan, values);
    this.#trajectories = trajectories;
    const { tokens } = this.#canvas;
    this.#observe({
      kind: "step",
      step: this.#step,
      trajectories,
      drawn: plan.drawn,
      next: plan.next,
      tokens,
    });
    return kept === null
      ? null
      : { canvas: this.#canvas, texts: this.#texts!.indexSelect(0, this.#imagesAt()) };
  }

  /** Goes on with the trajectories of each image that fit its caption best. */
  choose({ scores, seen }: Scored): void {
    const { selection } = this.#request;
    const separation = selection.kind === "halving" ? selection.separation : null;
    const count = this.#branchings[this.#done]!.kept!;
    const trajectories = this.#trajectories;
    const kept = keptTrajectories(trajectories, scores, count, separation);
    this.#observe({ kind: "choice", step: this.#step, trajectories, scores, kept, canvas: this.#canvas });
    this.#canvas = pickCanvases(seen, kept);
    this.#trajectories = kept.map((place) => trajectories[place]!);
  }

  /** Ends a step. */
  finishStep(): void {
    const images = this.#images;
    const told = this.#told;
    if (images.length !== told.length || images.some((image, row) => image !== told[row])) {
      this.#conditions = pickConditions(this.#ofImages, images);
      this.#told = images;
    }
    this.#done++;
    this.#hold();
  }

  get #step(): DecodingStep {
    return this.#steps[this.#done]!;
  }

  get #images(): number[] {
    return this.#trajectories.map(({ image }) => image);
  }

  #imagesAt(): Tensor {
    const images = this.#images;
    return tensor(images, [images.length], { dtype: "int64", device: this.#engine.model.device });
  }

  get #awayBranch(): AwayBranch {
    const { guidanceEvery } = this.#request;
    if (guidanceEvery === 1) return "computed";
    return this.#done % guidanceEvery === 0 ? "computed-for-all" : "kept";
  }

  /** The captions, by the decoder's memory and by the text tower. */
  #read(): readonly [Conditions, Tensor | null] {
    const { guidance, captions, negative, selection, captionIds, classes } = this.#request;
    const { model, silence } = this.#engine;
    const guided = guidance.kind !== "none" && guidance.scale !== 1;
    const away = (): readonly TextMemory[] =>
      negative === null ? silence : model.rememberCaptions(negative);
    const conditions = conditionsOf(
      model.rememberCaptions(captions),
      guided ? away() : null,
      classes?.clone() ?? null,
    );
    return [conditions, selection.kind === "none" ? null : model.embedTexts(captionIds)];
  }

  /** Keeps what the next step needs beyond the scope around, and frees what no step needs any more. */
  #hold(): void {
    const { tokens, encoded, away } = this.#canvas;
    const conditions = [this.#ofImages, this.#conditions].flatMap(({ memory, classes }) => [
      ...memory,
      classes,
    ]);
    const needed = new Set<Tensor>();
    for (const one of [tokens, encoded, away, this.#texts, ...conditions])
      if (one !== null && one !== this.#engine.blank) needed.add(one);
    for (const one of needed) if (!this.#held.has(one)) one.persist();
    for (const one of this.#held) if (!needed.has(one)) one.dispose();

    this.#held = needed;
  }
}
