/**
 * @file T5's tokenizer (Raffel et al. 2020) from a Hugging Face folder: the stripped caption in SentencePiece unigrams, an end token,
 * padding. The best cut is found by @huggingface/tokenizers; the character map, which it only approximates, is our own.
 */
import { DreamError } from "../errors.js";
import { AddedTokenSplitter } from "./added-tokens.js";
import { type TokenModel, Unigram } from "./library-models.js";
import { type Change, readT5Files, type T5Files } from "./t5-files.js";
import { readableCaption, type Tokenizer } from "./tokenizer.js";
import { malformed } from "./tokenizer-files.js";
import { pythonWhiteSpace, strip } from "./white-space.js";

const endToken = "</s>";
const paddingToken = "<pad>";

/** What stands for the blank before a word. */
const wordMark = "\u2581";

/** T5's unigram pieces. */
export class T5Tokenizer implements Tokenizer {
  readonly #files: T5Files;
  readonly #unigram: TokenModel;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #marks: AddedTokenSplitter;
  readonly endId: number;
  readonly paddingId: number;
  readonly vocabularySize: number;

  /**
   * @param folder holds `tokenizer.json` or `spiece.model`
   * @param contextLength ids of one row, the end token included: DREAM has 128
   * @throws DreamError `io` or `format` naming the file; `value` where contextLength is under 1
   */
  static open(folder: string, contextLength: number): T5Tokenizer {
    return new T5Tokenizer(readT5Files(folder), contextLength);
  }

  private constructor(
    files: T5Files,
    readonly contextLength: number,
  ) {
    if (!Number.isInteger(contextLength) || contextLength < 1)
      throw new DreamError("value", {
        operation: "open tokenizer",
        expected: "a context of at least 1 id",
        got: String(contextLength),
      });
    const { path, pieces, unknownId, addedTokens } = files;
    this.#ids = new Map(pieces.map(([piece], id) => [piece, id]));
    const named = new Map(addedTokens.map(({ content, id }) => [content, id]));
    const idOf = (token: string): number => {
      const id = named.get(token) ?? this.#ids.get(token);
      if (id === undefined) throw malformed(path, `a vocabulary with ${token}`, "none");
      return id;
    };
    this.#files = files;
    this.#marks = new AddedTokenSplitter(addedTokens);
    this.endId = idOf(endToken);
    this.paddingId = idOf(paddingToken);
    this.vocabularySize = Math.max(pieces.length, ...addedTokens.map(({ id }) => id + 1));
    this.#unigram = new Unigram({ type: "Unigram", vocab: pieces, unk_id: unknownId }, endToken);
  }

  encode(caption: string): number[] {
    const row: number[] = [];
    for (const id of this.#idsOf(caption)) {
      if (row.length === this.contextLength - 1) break;
      row.push(id);
    }
    row.push(this.endId);
    while (row.length < this.contextLength) row.push(this.paddingId);
    return row;
  }

  countTokens(caption: string): number {
    return [...this.#idsOf(caption)].length + 1;
  }

  /** Word by word, so that a full row ends the work. */
  *#idsOf(caption: string): Generator<number> {
    for (const part of this.#marks.split(strip(readableCaption(caption), "both", pythonWhiteSpace))) {
      if (typeof part === "number") yield part;
      else
        for (const word of wordsOf(this.#files.changes.reduce(changed, part), this.#files.words))
          yield* this.#cut(word);
    }
  }

  /** One word's ids; unknown characters side by side are one unknown token, as in the original. */
  #cut(word: string): number[] {
    const { unknownId } = this.#files;
    const ids = this.#unigram.encode([word]).map((piece) => this.#ids.get(piece) ?? unknownId);
    return ids.filter((id, i) => id !== unknownId || ids[i - 1] !== unknownId);
  }
}

function changed(text: string, change: Change): string {
  switch (change.kind) {
    case "map":
      return change.map.apply(text);
    case "strip":
      return strip(text, change.ends);
    case "collapse-blanks":
      return text.replace(/ {2,}/g, wordMark);
  }
}

/** A text's words, each with its mark in front. */
function wordsOf(text: string, words: T5Files["words"]): string[] {
  if (text === "") return [];
  const runs = words === "white-space" ? (text.match(/\P{White_Space}+/gu) ?? []) : [text];
  return runs.flatMap((run) => {
    const marked = run.replaceAll(" ", wordMark);
    return (marked.startsWith(wordMark) ? marked : wordMark + marked).match(/\u2581[^\u2581]*/g) ?? [];
  });
}
