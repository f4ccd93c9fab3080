/**
 * @file SentencePiece's precompiled character map: a double-array trie over UTF-8 (darts-clone's layout) whose leaves point into
 * NUL-terminated replacements. Applied as Hugging Face's tokenizers do, which is not quite as SentencePiece itself does.
 */
import { malformed } from "./tokenizer-files.js";

/** Graphemes of at most so many bytes are looked up whole, and if need be again by code points; longer ones only so. */
const longestWholeGrapheme = 5;

/** Text in which a grapheme may have more than one code point. */
const joined = /[^\0-\x7f]|\r\n/;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Parts of a unit of the trie, which is 32 bits. */
const isValue = (unit: number): boolean => unit >>> 31 === 1;
const leafOf = (unit: number): number => unit & 0x7fffffff;
const labelOf = (unit: number): number => unit & 0x800000ff;
const hasLeaf = (unit: number): boolean => ((unit >>> 8) & 1) === 1;
const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);

export class ReplacementMap {
  readonly #path: string;
  readonly #units: Uint32Array;
  readonly #replacements: Uint8Array;

  /**
   * @param path of the file that the map stands in, for messages
   * @param bytes the trie's size in bytes (uint32, little endian), the trie's units (uint32), the replacements
   * @throws DreamError `format` where sizes disagree or a leaf points outside
   */
  constructor(path: string, bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const trieBytes = bytes.length < 4 ? 0 : view.getUint32(0, true);
    if (trieBytes === 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length)
      throw malformed(
        path,
        "a character map that holds its trie",
        `${bytes.length} bytes, ${trieBytes} for the trie`,
      );
    this.#path = path;
    this.#units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
    this.#replacements = bytes.subarray(4 + trieBytes);
    const outside = this.#units.find((unit) => isValue(unit) && leafOf(unit) >= this.#replacements.length);
    if (outside !== undefined)
      throw malformed(
        path,
        `replacements within ${this.#replacements.length} bytes`,
        `one at byte ${leafOf(outside)}`,
      );
  }

  /** A text with everything replaced that the map knows. @throws DreamError `format` where the trie leads outside itself */
  apply(text: string): string {
    if (!joined.test(text)) return [...text].map((letter) => this.#find(letter) ?? letter).join("");
    return Array.from(graphemes.segment(text), ({ segment }) => this.#applyToGrapheme(segment)).join("");
  }

  #applyToGrapheme(grapheme: string): string {
    const whole = Buffer.byteLength(grapheme) <= longestWholeGrapheme ? this.#find(grapheme) : undefined;
    return whole ?? Array.from(grapheme, (letter) => this.#find(letter) ?? letter).join("");
  }

  /** The replacement for the shortest beginning of `key` that the map knows; what is behind it goes too, as in the original. */
  #find(key: string): string | undefined {
    let at = offsetOf(this.#unit(0));
    for (const byte of encoder.encode(key)) {
      if (byte === 0) return undefined;
      at ^= byte;
      const unit = this.#unit(at);
      if (labelOf(unit) !== byte) return undefined;
      at ^= offsetOf(unit);
      if (hasLeaf(unit)) return this.#replacement(leafOf(this.#unit(at)));
    }
    return undefined;
  }

  #unit(at: number): number {
    const unit = this.#units[at];
    if (unit !== undefined) return unit;
    throw malformed(this.#path, `a trie of ${this.#units.length} units`, `one that leads to unit ${at}`);
  }

  #replacement(start: number): string {
    const end = this.#replacements.indexOf(0, start);
    return decoder.decode(this.#replacements.subarray(start, end < 0 ? undefined : end));
  }
}
