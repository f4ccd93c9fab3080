/**
 * @file The one decoding step: encode what is there, decode with and without the caption, draw the tokens whose
 * turn it is (SPEC section 7). The encoder never sees text, so both guidance branches share one encoding; and a canvas that was
 * encoded for its score is not encoded again.
 */
import { tokenCount } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask, type TokenOrders } from "../models/dream/mask.js";
import type { TextMemory } from "../nn/index.js";
import { cat, scope, type Tensor, tensor, zeros } from "../tensor/index.js";
import type { DrawingEngine } from "./engine.js";
import type { DecodingStep } from "./schedule.js";

/** Pictures under way. */
export interface Canvas {
  /** [B, N, C]; zero where nothing is drawn yet. */
  readonly tokens: Tensor;
  /** What is still hidden. */
  readonly mask: TokenMask;
  /** What the encoder gives of them where that is known: [B, U + V, D], or one row where all are the same. */
  readonly encoded: Tensor | null;
  /** How decoder outputs without caption differed from those with it when they were last computed, [B, N, D]; null where that is not kept. */
  readonly away: Tensor | null;
}

/** What the pictures of a batch are drawn from. */
export interface Conditions {
  /** Each decoder block's memory: the captions' rows, then, under guidance, the empty caption's. */
  readonly memory: readonly TextMemory[];
  readonly guided: boolean;
  /** Each picture's class, int64 [B], where classes condition the model; null: captions do. */
  readonly classes: Tensor | null;
}

/** Nothing drawn yet. @param encoded what the encoder gives of one; null where that depends on its class */
export function emptyCanvas(model: DreamModel, batch: number, encoded: Tensor | null): Canvas {
  const N = tokenCount(model.config);
  const tokens = zeros([batch, N, model.diffusion.tokenWidth], { device: model.device });
  return { tokens, mask: TokenMask.all(batch, N), encoded, away: null };
}

/** Memory of captions, and beside each of the empty one, where that is given. @param silence one row for each block, or null */
export function conditionsOf(
  told: readonly TextMemory[],
  silence: readonly TextMemory[] | null,
  classes: Tensor | null,
): Conditions {
  if (silence === null) return { memory: told, guided: false, classes };
  const memory = told.map((one, i) => scope(() => cat([one, silence[i]!.expand([one.size(0), -1, -1])], 0)));
  return { memory, guided: true, classes };
}

/** The conditions of some images, in the order given. */
export function pickConditions(
  { memory, guided, classes }: Conditions,
  images: readonly number[],
): Conditions {
  return scope(() => {
    const B = memory[0]!.size(0) / (guided ? 2 : 1);
    const rows = guided ? [...images, ...images.map((image) => B + image)] : images;
    const at = tensor(rows, [rows.length], { dtype: "int64", device: memory[0]!.device });
    return {
      memory: memory.map((one) => one.indexSelect(0, at)),
      guided,
      classes: classes?.indexSelect(0, at.narrow(0, 0, images.length)) ?? null,
    };
  });
}

/** Each branch's rows K times. @param x [branches B, ...] @returns [branches K B, ...] */
function repeatBranches(x: Tensor, guided: boolean, times: number): Tensor {
  if (times === 1) return x;
  return scope(() => {
    const branches = guided ? 2 : 1;
    const rest = x.shape.slice(1);
    return x
      .reshape([branches, 1, x.size(0) / branches, ...rest])
      .expand([-1, times, -1, ...rest])
      .reshape([times * x.size(0), ...rest]);
  });
}

/** What one step is about to draw. */
export interface StepPlan {
  /** The tokens to draw. */
  readonly drawn: TokenMask;
  /** What is hidden in the next step. */
  readonly next: TokenMask;
  /** Decoder outputs of the tokens to draw: [P, D], and under guidance [2P, D], the captions' rows first. */
  readonly z: Tensor;
  /** {@link Canvas.away} from now on. */
  readonly away: Tensor | null;
}

/**
 * What becomes of the branch without caption in a guided step: it is computed for the tokens to draw, or for all hidden ones so that
 * later steps can do without, or the difference that it last made is added to the captioned one.
 */
export type AwayBranch = "computed" | "computed-for-all" | "kept";

/** What one step of some pictures begins with. */
export interface StepStart {
  readonly canvas: Canvas;
  /** Of each row of the canvas. */
  readonly orders: TokenOrders;
  readonly step: DecodingStep;
  /** Of each row of the canvas. */
  readonly conditions: Conditions;
  readonly away: AwayBranch;
}

/** Encodes and decodes a canvas once, for drawing one step's tokens. */
export function planStep(
  engine: DrawingEngine,
  { canvas, orders, step, conditions: { memory, guided, classes }, away }: StepStart,
): StepPlan {
  return scope(() => {
    const { model } = engine;
    const { mask } = canvas;
    const next = TokenMask.firstOf(orders, step.nextMaskLength);
    const drawn = step.predicted === mask.count ? mask : mask.minus(next);
    const encode = (told: Tensor | "untold" | undefined): Tensor =>
      engine.time("encoder", () => model.encoder.forward(canvas.tokens, mask, { classes: told }).output);
    const encoded = canvas.encoded ?? encode(classes ?? undefined);
    // A class is told to the encoder, which then sees the branches apart; a caption is not.
    const unclassed = classes !== null && guided && away !== "kept" ? encode("untold") : null;
    const hidden = encoded.size(0) < mask.batch ? mask.pick([0]) : mask;
    const decoded = (branches: number, wanted: TokenMask): Tensor => {
      const texts = memory.map((one) => one.narrow(0, 0, branches * mask.batch));
      const [seen, where] =
        unclassed === null || branches === 1
          ? [encoded, hidden]
          : [cat([encoded, unclassed], 0), hidden.repeat(2)];
      return engine.time("decoder", () =>
        model.decoder.forward(seen, where, texts, wanted.repeat(branches)).flatten(0, 1),
      );
    };
    if (!guided || away === "computed") return { drawn, next, z: decoded(guided ? 2 : 1, drawn), away: null };
    const { device } = model;
    if (away === "kept") {
      const told = decoded(1, drawn);
      const difference = canvas.away!.flatten(0, 1).indexSelect(0, drawn.rows(device));
      return { drawn, next, z: cat([told, told.add(difference)], 0), away: canvas.away };
    }
    const both = decoded(2, mask);
    const [B, N, D] = [mask.batch, mask.tokenCount, both.size(1)];
    const places = zeros([2 * B * N, D], { device });
    places.indexPut_([mask.repeat(2).rows(device)], both);
    const [told, untold] = places.chunk(2, 0) as [Tensor, Tensor];
    const z = places.indexSelect(0, drawn.repeat(2).rows(device));
    return { drawn, next, z, away: untold.sub(told).reshape([B, N, D]) };
  });
}

/** The plan of K candidates that begin a step as the same picture. */
export function repeatPlan({ drawn, next, z, away }: StepPlan, guided: boolean, times: number): StepPlan {
  return {
    drawn: drawn.repeat(times),
    next: next.repeat(times),
    z: repeatBranches(z, guided, times),
    away: away?.repeat([times, 1, 1]) ?? null,
  };
}

/** The canvas with a step's tokens put in place. @param values [P, C] */
export function fillIn(tokens: Tensor, { drawn, next, away }: StepPlan, values: Tensor): Canvas {
  return scope(() => {
    const flat = tokens.flatten(0, 1).clone();
    flat.indexPut_([drawn.rows(tokens.device)], values);
    return { tokens: flat.reshape(tokens.shape), mask: next, encoded: null, away };
  });
}
