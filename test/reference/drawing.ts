/**
 * @file Drawing as the release does it, with nothing saved: both guidance branches through the whole model, the text's keys and values
 * anew in every step, every place through every block, candidates one after another, a pass of its own for each score. What the
 * engine of `src/generate` must equal with the same draws.
 */
import type { DrawingRequest } from "../../src/generate/request.js";
import { diffusionConstants } from "../../src/models/dream/diffusion-constants.js";
import type { DreamModel } from "../../src/models/dream/dream.js";
import { TokenMask } from "../../src/models/dream/mask.js";
import type { TokenNoise } from "../../src/models/dream/token-diffusion.js";
import { unpatchify } from "../../src/models/dream/tokens.js";
import { cat, noGrad, scope, type Tensor, tensor, zeros } from "../../src/tensor/index.js";

interface Canvas {
  readonly tokens: Tensor;
  readonly mask: TokenMask;
  /** Steps that drew something, and what the branch without caption differed by when it was last computed, [B, N, D]. */
  readonly place: number;
  readonly away: Tensor | null;
}

/** What was drawn, and what was chosen on the way. */
export interface NaiveDrawing {
  /** [B, C, H, W] */
  readonly latents: Tensor;
  /** Of each choice, K rows of B cosines. */
  readonly scores: readonly (readonly (readonly number[])[])[];
}

/** @param model in `eval` mode @param emptyCaption states [1, L, W], or word ids int64 [1, L] */
export function drawNaively(model: DreamModel, emptyCaption: Tensor, request: DrawingRequest): NaiveDrawing {
  return noGrad(() => scope(() => new Naive(model, emptyCaption, request).run()));
}

class Naive {
  readonly #scores: number[][][] = [];

  constructor(
    readonly model: DreamModel,
    readonly emptyCaption: Tensor,
    readonly request: DrawingRequest,
  ) {}

  run(): NaiveDrawing {
    const { stepCount, selection, given } = this.request;
    const { batch: B, tokenCount: N } = this.request.orders;
    let canvas: Canvas =
      given === null
        ? {
            tokens: zeros([B, N, this.model.diffusion.tokenWidth]),
            mask: TokenMask.all(B, N),
            place: 0,
            away: null,
          }
        : { tokens: given.tokens, mask: given.hidden, place: 0, away: null };
    let streams = Array<number>(B).fill(0);
    let begun = 0;
    if (selection.kind === "once") {
      const blank = canvas;
      const open = Array.from({ length: selection.candidates }, (_, k) => {
        let one = blank;
        for (let s = 0; s < selection.atStep; s++) one = this.#step(one, s, Array<number>(B).fill(k));
        return one;
      });
      streams = this.#best(open);
      canvas = pick(open, streams);
      begun = selection.atStep;
    }
    for (let s = begun; s < stepCount; s++) {
      if (selection.kind !== "each-step" || s < selection.fromStep) canvas = this.#step(canvas, s, streams);
      else {
        const before = canvas;
        const drafts = Array.from({ length: selection.candidates }, (_, k) =>
          this.#step(before, s, Array<number>(B).fill(k)),
        );
        canvas = pick(drafts, this.#best(drafts));
      }
    }
    return { latents: unpatchify(canvas.tokens, this.model.config.latent.patch), scores: this.#scores };
  }

  get #diffusionSteps(): number {
    const { diffusion } = this.model.config;
    return diffusion.kind === "velocity" ? diffusion.steps : Number(diffusion.sampling);
  }

  #best(canvases: readonly Canvas[]): number[] {
    const texts = this.model.embedTexts(this.request.captionIds);
    const scores = canvases.map(({ tokens, mask }) =>
      this.model.embedImages(tokens, mask).mul(texts).sum(1).toNumbers(),
    );
    this.#scores.push(scores);
    return scores[0]!.map((_, b) =>
      scores.reduce((best, row, k) => (row[b]! > scores[best]![b]! ? k : best), 0),
    );
  }

  #step(canvas: Canvas, s: number, candidates: readonly number[]): Canvas {
    const { tokens, mask, place } = canvas;
    const { stepCount, guidance, guidanceEvery, captions, noise, temperature, given } = this.request;
    const { batch: B, tokenCount: N } = this.request.orders;
    const orders = given === null ? this.request.orders : this.request.orders.startingWith(given.hidden);
    const cosine = Math.floor((given?.hidden.count ?? N) * Math.cos(((Math.PI / 2) * (s + 1)) / stepCount));
    const length = Math.max(1, Math.min(mask.count - 1, cosine));
    const next = TokenMask.firstOf(orders, length);
    const drawn = s === stepCount - 1 ? mask : mask.minus(next);
    if (drawn.count === 0) return { ...canvas, mask: next };
    const guided = guidance.kind !== "none";
    const twice = (x: Tensor): Tensor => (guided ? cat([x, x], 0) : x);
    const text = guided
      ? cat([captions, this.emptyCaption.repeat([B, ...captions.shape.slice(1).map(() => 1)])], 0)
      : captions;
    let z = this.#decode(twice(tokens), mask.repeat(guided ? 2 : 1), text);
    let { away } = canvas;
    if (guided && guidanceEvery > 1) {
      const [told, untold] = z.chunk(2, 0) as [Tensor, Tensor];
      if (place % guidanceEvery === 0) away = untold.sub(told);
      else z = cat([told, told.add(away!)], 0);
    }
    const rows = drawn.repeat(guided ? 2 : 1).rows("cpu");
    const wanted = z.flatten(0, 1).indexSelect(0, rows);
    const draws = noise.draw({
      trajectories: candidates.map((candidate, image) => ({ image, candidate })),
      tokensPerImage: drawn.count,
      tokenWidth: this.model.diffusion.tokenWidth,
      noiseBlocks: this.#diffusionSteps,
    });
    const scale =
      guidance.kind === "linear"
        ? 1 + ((guidance.scale - 1) * (N - length)) / N
        : guided
          ? guidance.scale
          : 1;
    const values = this.#denoise(wanted, draws, scale, guided, temperature);
    const flat = tokens.flatten(0, 1).clone();
    flat.indexPut_([drawn.rows("cpu")], values);
    return { tokens: flat.reshape(tokens.shape), mask: next, place: place + 1, away };
  }

  /** Decoder outputs of all tokens, [B, N, D]. */
  #decode(tokens: Tensor, mask: TokenMask, text: Tensor): Tensor {
    const { encoder, decoder, textAligner } = this.model;
    const aligned = textAligner.forward(text);
    let x = decoder.embed(encoder.forward(tokens, mask).output, mask);
    for (const block of decoder.blocks) x = block.forward(x, block.crossAttention.remember(aligned));
    const U = this.model.config.bufferTokens;
    return decoder.norm.forward(x).narrow(1, U, mask.tokenCount).add(decoder.outputPositions);
  }

  /** Ancestral sampling of single tokens, both halves from the same noise, every row with its own time. */
  #denoise(
    z: Tensor,
    { initial, steps }: TokenNoise,
    scale: number,
    guided: boolean,
    temperature: number,
  ): Tensor {
    const { diffusionHead: head, config } = this.model;
    const rows = z.size(0);
    const twice = (x: Tensor): Tensor => (guided ? cat([x, x], 0) : x);
    const tell = (x: Tensor, time: number): Tensor =>
      head.forward(twice(x), tensor(Array<number>(rows).fill(time), [rows]), z);
    const guide = (output: Tensor): Tensor => {
      if (!guided) return output;
      const [told, untold] = output.chunk(2, 0) as [Tensor, Tensor];
      return untold.add(told.sub(untold).mul(scale));
    };
    const S = this.#diffusionSteps;
    let x = initial;
    if (config.diffusion.kind === "velocity") {
      for (let i = S; i > 0; i--) {
        const [angle, earlier] = [(i / S) * (Math.PI / 2), ((i - 1) / S) * (Math.PI / 2)];
        const v = guide(tell(x, (1000 * i) / S));
        const start = x.mul(Math.cos(angle)).sub(v.mul(Math.sin(angle)));
        const direction = x.mul(Math.sin(angle)).add(v.mul(Math.cos(angle)));
        if (i === 1) return start;
        const ratio = Math.cos(angle) / Math.cos(earlier);
        const variance = (Math.sin(earlier) / Math.sin(angle)) ** 2 * (1 - ratio ** 2);
        x = start
          .mul(Math.cos(earlier))
          .add(direction.mul(Math.sqrt(Math.max(0, Math.sin(earlier) ** 2 - variance))))
          .add(steps.select(0, S - i).mul(Math.sqrt(variance) * temperature));
      }
      return x;
    }
    const c = diffusionConstants(1000, config.diffusion.sampling);
    for (let i = S - 1; i >= 0; i--) {
      const output = tell(x, c.timestepMap[i]!);
      const C = x.size(1);
      const noise = guide(output.narrow(1, 0, C));
      const share = output.narrow(0, 0, x.size(0)).narrow(1, C, C).add(1).div(2);
      const start = x.mul(c.sqrtRecipAlphasCumprod[i]!).sub(noise.mul(c.sqrtRecipm1AlphasCumprod[i]!));
      const mean = start.mul(c.posteriorMeanCoef1[i]!).add(x.mul(c.posteriorMeanCoef2[i]!));
      const least = c.posteriorLogVarianceClipped[i]!;
      const logVariance = share.mul(c.logBetas[i]! - least).add(least);
      const deviation = logVariance.mul(0.5).exp();
      x = i === 0 ? mean : mean.add(deviation.mul(steps.select(0, S - 1 - i)).mul(temperature));
    }
    return x;
  }
}

/** The chosen canvas of each image. */
function pick(canvases: readonly Canvas[], chosen: readonly number[]): Canvas {
  return {
    tokens: cat(
      chosen.map((k, b) => canvases[k]!.tokens.narrow(0, b, 1)),
      0,
    ),
    mask: canvases[0]!.mask,
    place: canvases[0]!.place,
    away:
      canvases[0]!.away === null
        ? null
        : cat(
            chosen.map((k, b) => canvases[k]!.away!.narrow(0, b, 1)),
            0,
          ),
  };
}
