/**
 * @file A tokenizer of whole words, for small worlds: its vocabulary is what the training captions say. Ids follow CLIP's habits:
 * a start token, an end token with the largest id, zeros behind.
 */
import { DreamError } from "../errors.js";
import type { Tokenizer } from "./tokenizer.js";

const padding = 0;
const unknown = 1;

export class WordTokenizer implements Tokenizer {
  readonly #ids: ReadonlyMap<string, number>;

  /**
   * @param words the vocabulary, in order
   * @param contextLength ids of one caption, start and end included
   */
  constructor(
    readonly words: readonly string[],
    readonly contextLength: number,
  ) {
    this.#ids = new Map(words.map((word, i) => [word, i + 2]));
  }

  /** The vocabulary of some captions, most frequent first. @param most how many words it has at most */
  static fromCaptions(
    captions: Iterable<string>,
    contextLength: number,
    most = Number.POSITIVE_INFINITY,
  ): WordTokenizer {
    const counts = new Map<string, number>();
    for (const caption of captions)
      for (const word of wordsIn(caption)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return new WordTokenizer(
      sorted.slice(0, most).map(([word]) => word),
      contextLength,
    );
  }

  /** How many ids there are: padding, unknown, words, start, end. */
  get vocabularySize(): number {
    return this.words.length + 4;
  }

  /** Words of the longest caption that is read whole. */
  get longestCaption(): number {
    return this.contextLength - 2;
  }

  countWords(caption: string): number {
    return wordsIn(caption).length;
  }

  /** Words, start and end. */
  countTokens(caption: string): number {
    return this.countWords(caption) + 2;
  }

  /** Words that the vocabulary has no id for; they are read as one unknown word. */
  unknownWords(caption: string): string[] {
    return wordsIn(caption).filter((word) => !this.#ids.has(word));
  }

  /** A caption's ids, cut so that the end token always stands. Length {@link contextLength}. */
  encode(caption: string): number[] {
    if (this.contextLength < 2)
      throw new DreamError("value", {
        operation: "encode caption",
        expected: "at least 2 ids",
        got: String(this.contextLength),
      });
    const ids = wordsIn(caption).map((word) => this.#ids.get(word) ?? unknown);
    const [start, end] = [this.vocabularySize - 2, this.vocabularySize - 1];
    const row = [start, ...ids.slice(0, this.contextLength - 2), end];
    return [...row, ...Array.from({ length: this.contextLength - row.length }, () => padding)];
  }
}

function wordsIn(caption: string): string[] {
  return caption.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
