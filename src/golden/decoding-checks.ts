/** @file Checks of drawing: whole decodings with the recorded noise, plain and with both kinds of choice (SPEC section 7). */
import { DrawingEngine } from "../generate/engine.js";
import { drawLatents } from "../generate/generate.js";
import type { NoiseRequest, NoiseSource } from "../generate/noise.js";
import type { DrawingRequest } from "../generate/request.js";
import { ancestral, type Guidance, guidanceScale, maskLengthAfter } from "../generate/schedule.js";
import type { Selection } from "../generate/selection.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask, TokenOrders } from "../models/dream/mask.js";
import type { TokenNoise } from "../models/dream/token-diffusion.js";
import { cat, scope, type Tensor } from "../tensor/index.js";
import type { Recordings } from "./recordings.js";
import type { CheckBook } from "./subject.js";

interface DecodingCase {
  readonly kind: string;
  readonly num_iter: number;
  readonly cfg: number;
  readonly cfg_schedule: "linear" | "constant";
  readonly temperature: number;
  readonly num_candidates?: number;
  readonly threshold?: number;
}

/** @param model in `eval` mode with the recorded weights; not changed */
export function checkDecodings(book: CheckBook, model: DreamModel): void {
  const cases = (book.recordings.json.notes?.generation_cases ?? {}) as Readonly<
    Record<string, DecodingCase>
  >;
  for (const [name, settings] of Object.entries(cases)) {
    if (book.recordings.hasInput(`in.${name}.orders`))
      scope(() => checkDecoding(book, model, name, settings));
  }
  checkSchedules(book);
}

/** Draws in the order in which the original consumed them: initial noise, then a block for each reverse step. */
class RecordedNoise implements NoiseSource {
  readonly #stream: Tensor;
  readonly #branches: number;
  #at = 0;

  constructor(stream: Tensor, guided: boolean) {
    this.#stream = stream;
    this.#branches = guided ? 2 : 1;
  }

  draw({ trajectories, tokensPerImage, tokenWidth, noiseBlocks }: NoiseRequest): TokenNoise {
    // The original draws for one candidate after another.
    const batch = new Set(trajectories.map(({ image }) => image)).size;
    const P = batch * tokensPerImage;
    const each = Array.from({ length: trajectories.length / batch }, () => {
      const initial = this.#take(P * tokenWidth).reshape([P, tokenWidth]);
      // The unconditional half of a block is in the stream and has no influence.
      const blocks = this.#take(noiseBlocks * this.#branches * P * tokenWidth);
      const steps = blocks.reshape([noiseBlocks, this.#branches * P, tokenWidth]).narrow(1, 0, P);
      return { initial, steps };
    });
    return {
      initial: cat(
        each.map(({ initial }) => initial),
        0,
      ),
      steps: cat(
        each.map(({ steps }) => steps),
        1,
      ),
    };
  }

  #take(count: number): Tensor {
    const part = this.#stream.narrow(0, this.#at, count);
    this.#at += count;
    return part;
  }
}

function selectionOf({ kind, num_candidates: candidates = 1, threshold = 0 }: DecodingCase): Selection {
  if (kind.startsWith("critic once")) return { kind: "once", candidates, atStep: threshold };
  if (kind.startsWith("critic")) return { kind: "each-step", candidates, fromStep: threshold };
  return { kind: "none" };
}

/** What to draw, and the empty caption; without guidance it is not read, and another stands for it. */
function requestOf(
  recordings: Recordings,
  name: string,
  settings: DecodingCase,
): { request: DrawingRequest; emptyCaption: Tensor } {
  const input = (what: string): Tensor =>
    recordings.input(recordings.hasInput(`in.${name}.${what}`) ? `in.${name}.${what}` : `in.gen.${what}`);
  const orders = TokenOrders.fromTensor(recordings.input(`in.${name}.orders`));
  const guided = settings.cfg !== 1;
  const captions = input("t5");
  const request: DrawingRequest = {
    captions: captions.narrow(0, 0, orders.batch),
    captionIds: input("ids"),
    classes: null,
    orders,
    noise: new RecordedNoise(recordings.input(`rng.${name}.noise`), guided),
    stepCount: settings.num_iter,
    guidance: guided ? { kind: settings.cfg_schedule, scale: settings.cfg } : { kind: "none" },
    temperature: settings.temperature,
    sampling: ancestral,
    negative: null,
    given: null,
    guidanceEvery: 1,
    selection: selectionOf(settings),
  };
  return { request, emptyCaption: captions.narrow(0, guided ? orders.batch : 0, 1) };
}

function checkDecoding(book: CheckBook, model: DreamModel, name: string, settings: DecodingCase): void {
  const { request, emptyCaption } = requestOf(book.recordings, name, settings);
  const engine = new DrawingEngine(model, emptyCaption);
  const { orders, guidance, selection } = request;
  const B = orders.batch;
  const drawnAt = new Map<number, TokenMask>();
  const scores: number[] = [];
  let best: readonly number[] = [];
  let candidates: { tokens: Tensor; mask: Tensor } | undefined;
  const latents = drawLatents(engine, request, (event) => {
    if (event.kind === "step") drawnAt.set(event.step.index, event.drawn);
    else {
      scores.push(...event.scores);
      best = event.kept.map((place) => event.trajectories[place]!.candidate);
      candidates = {
        tokens: event.canvas.tokens.clone().persist(),
        mask: event.canvas.mask.toTensor(model.device).persist(),
      };
    }
  });
  book.check(`out.${name}.latents`, () => latents, "latents");
  const calls = decodingCalls(orders, settings, guidance, drawnAt);
  book.check(`out.${name}.mask_pred`, () =>
    calls.flatMap(({ drawn }) => [...drawn.subarray(0, B * orders.tokenCount)]),
  );
  book.check(`out.${name}.mask_next`, () => calls.flatMap(({ next }) => [...next]));
  book.check(`out.${name}.cfg_per_call`, () => calls.map(({ scale }) => scale));
  if (selection.kind === "none") return;
  book.check(`out.${name}.text_feat`, () => model.embedTexts(request.captionIds));
  book.check(`out.${name}.scores`, () => scores);
  if (selection.kind !== "once" || candidates === undefined) return;
  const K = selection.candidates;
  const { tokens, mask } = candidates;
  book.check(`out.${name}.best`, () => best);
  book.check(
    `out.${name}.cand_tokens`,
    () => tokens.reshape([K, B, tokens.size(1), tokens.size(2)]),
    "latents",
  );
  book.check(`out.${name}.cand_mask`, () => mask.reshape([K, B, mask.size(1)]));
}

interface DecodingCall {
  readonly drawn: Uint8Array;
  readonly next: Uint8Array;
  readonly scale: number;
}

/**
 * One entry for each call of the original's step function: every step, and for every candidate before a choice once. Steps with
 * nothing to draw, which ours leaves out, stand there with an empty mask.
 */
function decodingCalls(
  orders: TokenOrders,
  { num_iter: stepCount, kind, num_candidates: K = 1, threshold = 0 }: DecodingCase,
  guidance: Guidance,
  drawnAt: ReadonlyMap<number, TokenMask>,
): DecodingCall[] {
  const calls: DecodingCall[] = [];
  const N = orders.tokenCount;
  let masked = N;
  for (let index = 0; index < stepCount; index++) {
    masked = maskLengthAfter(masked, index, stepCount, N);
    const drawn = drawnAt.get(index)?.bits ?? new Uint8Array(orders.batch * N);
    const call = {
      drawn,
      next: TokenMask.firstOf(orders, masked).bits,
      scale: guidanceScale(guidance, masked, N),
    };
    const times = kind.startsWith("critic once") && index < threshold ? K : 1;
    for (let k = 0; k < times; k++) calls.push(call);
  }
  return calls;
}

/** Masks of schedules without a model: `in.sched.{tokens}x{steps}.orders`. */
function checkSchedules(book: CheckBook): void {
  const { recordings } = book;
  for (const name of recordings.names) {
    const [, key, stepCount] = /^in\.sched\.(\d+x(\d+))\.orders$/.exec(name) ?? [];
    if (key === undefined) continue;
    const orders = TokenOrders.fromTensor(recordings.input(name));
    const next: number[] = [];
    const drawn: number[] = [];
    let before = TokenMask.all(orders.batch, orders.tokenCount);
    for (let index = 0; index < Number(stepCount); index++) {
      const after = TokenMask.firstOf(
        orders,
        maskLengthAfter(before.count, index, Number(stepCount), orders.tokenCount),
      );
      next.push(...after.bits);
      drawn.push(...(index === Number(stepCount) - 1 ? before : before.minus(after)).bits);
      before = after;
    }
    book.check(`out.sched.${key}.mask_next`, () => next);
    book.check(`out.sched.${key}.mask_pred`, () => drawn);
  }
}
