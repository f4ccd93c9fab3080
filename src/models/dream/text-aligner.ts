/**
 * @file The text aligner: six blocks that bring a caption's states to the decoder (SPEC section 3). The states come from a
 * frozen T5, padded and unmasked; a model of words embeds them itself, with a table trained along.
 */
import { Block, Embedding, LayerNorm, Linear, Module, parameter, segment } from "../../nn/index.js";
import { type Device, scope, type Tensor } from "../../tensor/index.js";
import type { DreamConfig } from "./config.js";

export class TextAligner extends Module {
  readonly words: Embedding | null;
  readonly projection: Linear;
  readonly positions: Tensor;
  readonly norm: LayerNorm;
  readonly blocks: Block[];

  constructor(
    { captions, decoder, alignerDepth, normEpsilon, dropout }: DreamConfig,
    device: Device = "cpu",
  ) {
    super();
    const size = { ...decoder, epsilon: normEpsilon, dropout };
    this.words =
      captions.kind === "words" ? new Embedding(captions.vocabulary, captions.width, device) : null;
    this.projection = new Linear(captions.width, decoder.width, device);
    this.positions = parameter([1, captions.length, decoder.width], device);
    this.norm = new LayerNorm(decoder.width, 1e-6, device);
    this.blocks = Array.from({ length: alignerDepth }, () => new Block(size, device));
  }

  /** The first block's input. @param captions states [B, L, W], or word ids int64 [B, L] @returns [B, L, D] */
  embed(captions: Tensor): Tensor {
    return scope(() => {
      const states = this.words === null ? captions : this.words.forward(captions);
      return this.norm.forward(this.projection.forward(states).add(this.positions));
    });
  }

  /** @param captions states [B, L, W], or word ids int64 [B, L] @returns [B, L, D] */
  forward(captions: Tensor): Tensor {
    let x = this.embed(captions);
    for (const block of this.blocks) x = segment([x], (input) => block.forward(input));
    return x;
  }
}
