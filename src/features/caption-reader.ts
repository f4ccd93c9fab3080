/** @file What turns captions into what the model reads: ids for the text tower, and what the decoder is told. */
import type { Tensor } from "../tensor/index.js";

/** How much of a caption is read. */
export interface CaptionLength {
  readonly found: number;
  readonly most: number;
  readonly unit: "words" | "tokens";
}

/** Reads captions for one model. */
export interface CaptionReader {
  /** Ids that the text tower may be given are below this. */
  readonly vocabularySize: number;
  /** For people. */
  readonly description: string;
  /** Tells readers apart that read otherwise. */
  readonly identity: string;
  /** Captions longer than the text tower reads are cut. @returns int64 [B, context] */
  ids(captions: readonly string[]): Tensor;
  /** For the decoder. @returns states [B, L, W], or the ids again */
  told(captions: readonly string[]): Tensor;
  /** How long a caption is, and how much of one is read. */
  length(caption: string): CaptionLength;
  /** Words that mean nothing to the model, each once. */
  unknownWords(caption: string): string[];
  /** Frees its weights, where it has any. */
  dispose(): void;
}
