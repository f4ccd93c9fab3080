/** @file The paper's captions: CLIP's tokens for the text tower, a frozen T5's states for the decoder (SPEC sections 3 and 13). */
import { DreamError } from "../errors.js";
import type { T5Encoder } from "../models/frozen/t5.js";
import { cat, type Device, noGrad, scope, type Tensor, tensor } from "../tensor/index.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type { CaptionLength, CaptionReader } from "./caption-reader.js";

/** Captions that go through the T5 at a time. */
const window = 16;

export class T5Captions implements CaptionReader {
  /**
   * @param clip for the text tower @param t5 for the encoder
   * @param encoder null where all captions come encoded, from a cache
   */
  constructor(
    readonly identity: string,
    readonly clip: Tokenizer,
    readonly t5: Tokenizer,
    readonly encoder: T5Encoder | null,
    /** Where the tokenizers' files are. */
    readonly folders: { readonly clip: string; readonly t5: string },
    readonly device: Device = "cpu",
  ) {}

  get description(): string {
    return `It reads ${this.clip.contextLength} of CLIP's tokens and ${this.t5.contextLength} of T5's`;
  }

  get vocabularySize(): number {
    return this.clip.vocabularySize;
  }

  ids(captions: readonly string[]): Tensor {
    return rowsOf(this.clip, captions);
  }

  /** @returns float32 [B, L, W]: padding is looked at like any token, since the release masks nothing */
  told(captions: readonly string[]): Tensor {
    const { encoder } = this;
    if (encoder === null)
      throw new DreamError("state", {
        operation: "use the T5",
        expected: "its weights",
        got: "a model opened without them, to train from a cache",
        hint: "open the model with its frozen parts",
      });
    return noGrad(() =>
      scope(() => {
        const parts: Tensor[] = [];
        for (let first = 0; first < captions.length; first += window)
          parts.push(
            scope(() =>
              encoder
                .forward(rowsOf(this.t5, captions.slice(first, first + window)).to({ device: this.device }))
                .to({ dtype: "float32" }),
            ),
          );
        return cat(parts, 0);
      }),
    );
  }

  length(caption: string): CaptionLength {
    const { contextLength } = this.clip;
    return { found: this.clip.countTokens(caption) - 2, most: contextLength - 2, unit: "tokens" };
  }

  /** Every word can be spelled. */
  unknownWords(): string[] {
    return [];
  }

  dispose(): void {
    this.encoder?.dispose();
  }
}

/** @returns int64 [B, context] */
function rowsOf(tokenizer: Tokenizer, captions: readonly string[]): Tensor {
  const ids = captions.flatMap((caption) => tokenizer.encode(caption));
  return tensor(ids, [captions.length, tokenizer.contextLength], { dtype: "int64" });
}
