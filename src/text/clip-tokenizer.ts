/**
 * @file CLIP's tokenizer (Radford et al. 2021) from a Hugging Face folder: words of a cleaned, lower-case caption, their UTF-8
 * bytes merged in pairs, between a start and an end token.
 */
import { DreamError } from "../errors.js";
import { AddedTokenSplitter } from "./added-tokens.js";
import { type BytePairs, endToken, readBytePairs, startToken } from "./byte-pairs.js";
import { cleanCaption } from "./caption-cleaning.js";
import { readableCaption, type Tokenizer } from "./tokenizer.js";
import { malformed, readJson } from "./tokenizer-files.js";
import { collapse } from "./white-space.js";

/** How a caption is cleaned and its row filled. */
export type ClipRows =
  | {
      /** As CLIP's own code and DREAM's release: cleaned ({@link cleanCaption}), padded with 0. */
      readonly kind: "original";
      /** DEVIATION: "end-token-kept" puts the end token last in a row that is full; CLIP's own code has "cut" (SPEC section 13). */
      readonly overlong: "end-token-kept" | "cut";
    }
  /** As Hugging Face's fast tokenizer, for its CLIP models: only NFC, white space, lower case; its own padding token. */
  | { readonly kind: "hugging-face" };

/** What a caption is cut into: endings of English words, letters, single digits, other signs. */
const words = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

/**
 * The same in CLIP's own code, which also takes start and end where they are spelled out, and ignores case: to it a long s is an s,
 * and the one mark that has a letter as its capital (U+0345) is neither letter nor sign and falls out.
 */
const originalWords =
  /<\|startoftext\|>|<\|endoftext\|>|'[s\u017f]|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|(?:(?!\u0345)[^\p{White_Space}\p{L}\p{N}])+/gu;

/** CLIP's byte-pair encoding. */
export class ClipTokenizer implements Tokenizer {
  readonly #pairs: BytePairs;
  readonly #before: AddedTokenSplitter;
  readonly #after: AddedTokenSplitter;
  readonly startId: number;
  readonly endId: number;
  readonly #paddingId: number;
  readonly #words: RegExp;

  /**
   * @param folder holds `tokenizer.json`, or `vocab.json` and `merges.txt`; for Hugging Face's rows also the name of the
   *   padding token in `special_tokens_map.json` or `tokenizer_config.json`
   * @param contextLength ids of one row, start and end included: 77
   * @throws DreamError `io` or `format` naming the file; `value` where contextLength is under 2
   */
  static open(
    folder: string,
    contextLength: number,
    rows: ClipRows = { kind: "original", overlong: "end-token-kept" },
  ): ClipTokenizer {
    return new ClipTokenizer(folder, contextLength, rows);
  }

  private constructor(
    folder: string,
    readonly contextLength: number,
    readonly rows: ClipRows,
  ) {
    if (!Number.isInteger(contextLength) || contextLength < 2)
      throw new DreamError("value", {
        operation: "open tokenizer",
        expected: "a context of at least 2 ids",
        got: String(contextLength),
      });
    this.#pairs = readBytePairs(folder);
    this.startId = this.#idOf(startToken);
    this.endId = this.#idOf(endToken);
    this.#words = rows.kind === "original" ? originalWords : words;
    this.#paddingId = rows.kind === "original" ? 0 : this.#idOf(paddingToken(folder));
    const tokens = rows.kind === "original" ? [] : this.#pairs.addedTokens;
    this.#before = new AddedTokenSplitter(tokens.filter(({ sought }) => sought === "before-normalising"));
    this.#after = new AddedTokenSplitter(tokens.filter(({ sought }) => sought === "after-normalising"));
  }

  get vocabularySize(): number {
    return this.#pairs.vocabularySize;
  }

  encode(caption: string): number[] {
    const keepsEnd = this.rows.kind === "hugging-face" || this.rows.overlong === "end-token-kept";
    const room = this.contextLength - (keepsEnd ? 1 : 0);
    const row = [this.startId];
    for (const id of this.#idsOf(caption)) {
      if (row.length === room) break;
      row.push(id);
    }
    if (row.length < this.contextLength) row.push(this.endId);
    while (row.length < this.contextLength) row.push(this.#paddingId);
    return row;
  }

  countTokens(caption: string): number {
    return [...this.#idsOf(caption)].length + 2;
  }

  /** Word by word, so that a full row ends the work. */
  *#idsOf(caption: string): Generator<number> {
    const readable = readableCaption(caption);
    const clean = this.rows.kind === "original" ? cleanCaption(readable) : readable;
    for (const part of this.#before.split(clean))
      for (const piece of typeof part === "number" ? [part] : this.#after.split(this.#normalise(part))) {
        if (typeof piece === "number") yield piece;
        else for (const word of piece.match(this.#words) ?? []) yield* this.#idsOfWord(word);
      }
  }

  #normalise(piece: string): string {
    if (this.rows.kind === "original") return piece;
    // Hugging Face lowers each letter alone, JavaScript makes a capital sigma final at the end of a word.
    return collapse(piece.normalize("NFC")).replaceAll("\u03a3", "\u03c3").toLowerCase();
  }

  #idsOfWord(word: string): number[] {
    if (word === startToken) return [this.startId];
    if (word === endToken) return [this.endId];
    const spelled = Array.from(utf8.encode(word), letterOf).join("");
    return this.#pairs.bpe.encode([spelled]).map((token) => this.#pairs.ids.get(token)!);
  }

  #idOf(token: string): number {
    const id = this.#pairs.ids.get(token);
    if (id === undefined) throw malformed(this.#pairs.path, `a vocabulary with ${token}`, "none");
    return id;
  }
}

/** The padding token's name, which Hugging Face keeps beside the vocabulary. */
function paddingToken(folder: string): string {
  for (const name of ["special_tokens_map.json", "tokenizer_config.json"]) {
    const token = readJson(folder, name)?.json.pad_token;
    if (typeof token === "string") return token;
    if (typeof token === "object" && token !== null && "content" in token) return String(token.content);
  }
  return endToken;
}

const utf8 = new TextEncoder();

/** Bytes that are visible as Latin-1 letters stand for themselves. */
const isVisible = (byte: number): boolean =>
  (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte < 0xad) || byte > 0xad;

/** GPT-2's letters for the bytes: the invisible ones take the letters from U+0100 on, in order. */
const letters = Array.from({ length: 256 }, (_, byte) => {
  const invisibleBefore = Array.from({ length: byte }, (_, other) => other).filter(
    (other) => !isVisible(other),
  );
  return String.fromCharCode(isVisible(byte) ? byte : 0x100 + invisibleBefore.length);
});

function letterOf(byte: number): string {
  return letters[byte]!;
}
