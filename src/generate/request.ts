/** @file What is asked of a drawing, and what is told of it while it is under way. */
import type { TokenMask, TokenOrders } from "../models/dream/mask.js";
import type { Tensor } from "../tensor/index.js";
import type { NoiseSource } from "./noise.js";
import type { DecodingStep, Guidance, TokenSampling } from "./schedule.js";
import type { Selection, Trajectory } from "./selection.js";
import type { Canvas } from "./trajectory.js";

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
