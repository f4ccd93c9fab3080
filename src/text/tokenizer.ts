/** @file What every tokenizer offers: a caption becomes a row of ids of one fixed length. */
import { DreamError } from "../errors.js";

/** Captions to ids. */
export interface Tokenizer {
  /** Ids of one row, marks and padding included. */
  readonly contextLength: number;
  /** How many different ids there are; every id is smaller. */
  readonly vocabularySize: number;
  /**
   * A caption's row of exactly {@link contextLength} ids: padded where it is short, cut where it is long.
   * @throws DreamError `value` where the caption has more than `longestCaptionCharacters` characters
   */
  encode(caption: string): number[];
  /**
   * How many ids the whole caption takes, its marks included and padding not; a caller says "your caption has 91 tokens,
   * of which 77 are read".
   * @throws DreamError as {@link encode}
   */
  countTokens(caption: string): number;
}

/** UTF-16 units. A row of tokens is full long before; the bound keeps a hostile caption from costing seconds. */
export const longestCaptionCharacters = 20_000;

/** Surrogates without a partner, which no UTF-8 file can hold. */
const loneSurrogate = /\p{Surrogate}/gu;

/**
 * A caption as text that UTF-8 can say: a lone surrogate becomes U+FFFD, as where bytes are decoded.
 * @throws DreamError `value` where it is longer than `longestCaptionCharacters`
 */
export function readableCaption(caption: string): string {
  if (caption.length > longestCaptionCharacters)
    throw new DreamError("value", {
      operation: "encode caption",
      expected: `at most ${longestCaptionCharacters} characters`,
      got: `${caption.length}: "${caption.slice(0, 40)}..."`,
      hint: "shorten it; a row of tokens is full after a few hundred characters",
    });
  return caption.replace(loneSurrogate, "\ufffd");
}
