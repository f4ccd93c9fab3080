/** @file Captions of a small world: whole words, embedded by a table that is trained along. */
import { createHash } from "node:crypto";
import { type Tensor, tensor } from "../tensor/index.js";
import type { WordTokenizer } from "../text/words.js";
import type { CaptionLength, CaptionReader } from "./caption-reader.js";

/** Words that the description lists. */
const shownWords = 100;

export class WordCaptions implements CaptionReader {
  constructor(readonly tokenizer: WordTokenizer) {}

  get vocabularySize(): number {
    return this.tokenizer.vocabularySize;
  }

  get description(): string {
    const { words } = this.tokenizer;
    const rest = words.length > shownWords ? ` and ${words.length - shownWords} more` : "";
    return `It knows: ${words.slice(0, shownWords).join(" ")}${rest}`;
  }

  get identity(): string {
    const { words, contextLength } = this.tokenizer;
    return `words ${createHash("sha256")
      .update(`${contextLength} ${words.join(" ")}`)
      .digest("hex")
      .slice(0, 16)}`;
  }

  ids(captions: readonly string[]): Tensor {
    const ids = captions.flatMap((caption) => this.tokenizer.encode(caption));
    return tensor(ids, [captions.length, this.tokenizer.contextLength], { dtype: "int64" });
  }

  told(captions: readonly string[]): Tensor {
    return this.ids(captions);
  }

  length(caption: string): CaptionLength {
    const { longestCaption } = this.tokenizer;
    return { found: this.tokenizer.countWords(caption), most: longestCaption, unit: "words" };
  }

  unknownWords(caption: string): string[] {
    return [...new Set(this.tokenizer.unknownWords(caption))];
  }

  dispose(): void {}
}
