/** @file What a program and its engine thread say to each other. Pictures cross as bytes that change hands; tensors never do. */
import type { HalfDrawn, ScoredCandidate } from "../drawing.js";
import type { DrawingSettings } from "../drawing-settings.js";
import type { Picture } from "../formats/images.js";
import type { Box } from "../generate/region.js";
import type { HubOptions } from "../hub/resolve-model.js";
import type { Recipe } from "../recipe/recipe.js";
import type { TravellingError } from "./travelling-error.js";

/** A picture in hand: decoded, or the bytes of a JPEG, PNG or WebP file. Its middle is taken. */
export type PictureInput = Picture | { readonly bytes: Uint8Array; readonly name: string };

/** What is drawn anew: a box in the model's pixels, or a picture whose transparent pixels, or, where it has none, whose light ones are. */
export type RegionInput = { readonly box: Box } | { readonly mask: PictureInput };

/** A request for pictures. */
export interface DrawOrder {
  readonly prompt: string;
  /** For a model that classes condition, in the place of the prompt. */
  readonly label: number | null;
  /** Of each picture. */
  readonly seeds: readonly number[];
  readonly settings: DrawingSettings;
  /** Half-drawn pictures that are shown on the way; they are spread evenly over the steps. */
  readonly previews: number;
  /** A picture of which a region is drawn anew, and whether the original's pixels are pasted over the rest. */
  readonly edit: {
    readonly picture: PictureInput;
    readonly region: RegionInput;
    readonly pasted: boolean;
  } | null;
}

/** Where a model is, and where and how it computes. */
export interface LoadOrder {
  /** A folder, or `owner/name` on the hub. */
  readonly model: string;
  readonly device: string;
  readonly precision: "float32" | "bfloat16";
  readonly hub: HubOptions;
}

export type Task =
  | ({ readonly kind: "load" } & LoadOrder)
  | ({ readonly kind: "draw"; readonly model: number } & DrawOrder)
  | { readonly kind: "embed-texts"; readonly model: number; readonly texts: readonly string[] }
  | { readonly kind: "embed-pictures"; readonly model: number; readonly pictures: readonly PictureInput[] }
  | { readonly kind: "count-words"; readonly model: number; readonly texts: readonly string[] }
  /** Unit vectors, [n, width], to be looked through. */
  | { readonly kind: "keep-vectors"; readonly rows: Float32Array; readonly width: number }
  | {
      readonly kind: "nearest";
      readonly vectors: number;
      readonly query: Float32Array;
      readonly count: number;
    }
  | { readonly kind: "drop-vectors"; readonly vectors: number }
  | { readonly kind: "statistics" }
  | { readonly kind: "unload"; readonly model: number };

/** To the thread. */
export type Order =
  | { readonly id: number; readonly task: Task }
  | { readonly id: number; readonly task: { readonly kind: "cancel" } };

/** What lies nearest, the nearest first. */
export interface Nearest {
  /** Among the vectors that are kept. */
  readonly place: number;
  /** Cosine. */
  readonly score: number;
}

/** What a loaded model is. */
export interface ModelInfo {
  /** Tells models apart whose weights differ. */
  readonly identity: string;
  /** Recipe that it was trained with. */
  readonly recipe: string;
  /** Side of its pictures. */
  readonly sizePixels: number;
  /** Tokens of a picture (N). */
  readonly tokens: number;
  /** Width of its embeddings; null where it was not trained to embed. */
  readonly embeddingWidth: number | null;
  /** Factor of cosines in its contrastive loss, exp(logit scale). */
  readonly logitScale: number;
  /** Classes that it draws; null where captions tell it what to draw. */
  readonly classes: number | null;
  readonly longestCaption: { readonly most: number; readonly unit: "words" | "tokens" };
  /** Sentences that it was shown drawing while it was trained; none where it does not say. */
  readonly examples: readonly string[];
  /** What it reads, for people. */
  readonly reads: string;
  readonly parameters: number;
  /** How it draws where nothing is said. */
  readonly drawing: Recipe["drawing"];
}

/** A model in the thread, by its number there. */
export interface LoadedModel {
  readonly model: number;
  readonly info: ModelInfo;
}

/** What happens while pictures are drawn. */
export type DrawingProgress =
  | {
      readonly type: "step";
      /** Decoding steps done, of all. */
      readonly done: number;
      readonly all: number;
      /** Where this step shows them: of each picture its candidates, half drawn. */
      readonly previews: readonly HalfDrawn[] | null;
    }
  | {
      readonly type: "choice";
      readonly done: number;
      readonly all: number;
      /** Of each picture what was chosen between. */
      readonly candidates: readonly (readonly ScoredCandidate[])[];
      /** What there is of these, where previews are asked for. */
      readonly previews: readonly HalfDrawn[] | null;
    }
  | {
      readonly type: "picture";
      /** Which of those asked for. */
      readonly index: number;
      readonly seed: number;
      readonly picture: Picture;
      /** The last cosine that each candidate had; none where drawing was plain. */
      readonly candidateScores: readonly number[];
      readonly chosen: number;
    };

/** What happens on the way to the pictures. */
export type PreviewedProgress = Exclude<DrawingProgress, { readonly type: "picture" }>;

/** What the thread has done since it began. */
export interface EngineStatistics {
  /** Decoding steps, each of all drawings under way. */
  readonly steps: number;
  /** Canvases that these computed: divided by the steps, how full batches are. */
  readonly canvasSteps: number;
  readonly drawn: number;
  readonly cancelled: number;
  readonly embedded: number;
  /** Requests waiting, and under way. */
  readonly waiting: number;
  readonly underWay: number;
  /** Tensors that it holds. */
  readonly liveTensors: number;
}

/** From the thread. */
export type Report =
  | { readonly id: number; readonly kind: "progress"; readonly progress: DrawingProgress }
  | {
      readonly id: number;
      readonly kind: "download";
      readonly file: string;
      readonly doneBytes: number;
      readonly totalBytes: number;
    }
  | { readonly id: number; readonly kind: "done"; readonly result: unknown }
  | { readonly id: number; readonly kind: "failed"; readonly error: TravellingError };
