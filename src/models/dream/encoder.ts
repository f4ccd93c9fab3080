/**
 * @file The encoder: a vision transformer over buffer tokens and the visible image tokens. It never sees text
 * (SPEC section 3). Masked tokens are dropped before the first block, so hiding makes it cheaper.
 */
import { DreamError } from "../../errors.js";
import { Block, Embedding, LayerNorm, Linear, Module, parameter, segment } from "../../nn/index.js";
import { cat, type Device, type Generator, rand, scope, type Tensor, zeros } from "../../tensor/index.js";
import { type DreamConfig, tokenCount, tokenWidth } from "./config.js";
import type { TokenMask } from "./mask.js";

/** What the encoder gives. */
export interface Encoded {
  /** [B, U + V, D], normed: what the decoder reads. */
  readonly output: Tensor;
  /** [B, U + V, D]: what the image embedding is made of; the output, or an inner block's where the config says so. */
  readonly representation: Tensor;
  /** [B, U + V, D], the un-normed output of the block that is aligned to frozen features; null without alignment. */
  readonly aligned: Tensor | null;
}

/** @throws DreamError `value` for a block that the encoder does not have */
function requireBlock(setting: string, depth: number | null, blocks: number): void {
  if (depth === null || (Number.isInteger(depth) && depth >= 1 && depth <= blocks)) return;
  throw new DreamError("value", {
    operation: setting,
    expected: `a block from 1 to ${blocks}, or null`,
    got: String(depth),
  });
}

export class Encoder extends Module {
  readonly classEmbedding: Embedding;
  readonly fakeLatent: Tensor;
  readonly inputProjection: Linear;
  readonly positions: Tensor;
  readonly inputNorm: LayerNorm;
  readonly blocks: Block[];
  readonly norm: LayerNorm;
  readonly #bufferTokens: number;
  readonly #depth: number | null;
  readonly #alignedDepth: number | null;
  readonly #classDrop: number;

  constructor(config: DreamConfig, device: Device = "cpu") {
    super();
    const { encoder, bufferTokens, classes, normEpsilon } = config;
    const size = { ...encoder, epsilon: normEpsilon, dropout: config.dropout };
    this.classEmbedding = new Embedding(classes.count, encoder.width, device);
    this.fakeLatent = parameter([1, encoder.width], device);
    this.inputProjection = new Linear(tokenWidth(config), encoder.width, device);
    this.positions = parameter([1, bufferTokens + tokenCount(config), encoder.width], device);
    this.inputNorm = new LayerNorm(encoder.width, 1e-6, device);
    this.blocks = Array.from({ length: encoder.depth }, () => new Block(size, device));
    this.norm = new LayerNorm(encoder.width, normEpsilon, device);
    this.#bufferTokens = bufferTokens;
    requireBlock("joint.depth", config.joint.depth, encoder.depth);
    requireBlock("alignment.depth", config.alignment?.depth ?? null, encoder.depth);
    this.#depth = config.joint.depth;
    this.#alignedDepth = config.alignment?.depth ?? null;
    this.#classDrop = classes.dropProbability;
  }

  /**
   * @param tokens [B, N, C] @param mask the hidden tokens
   * @param random draws which class embeddings are dropped, in training
   */
  forward(tokens: Tensor, mask: TokenMask, random?: Generator): Encoded {
    let x = this.embed(tokens, mask, random);
    const outputs = this.blocks.map((block) => {
      x = segment([x], (input) => block.forward(input));
      return x;
    });
    const output = segment([x], (input) => this.norm.forward(input));
    const outputOf = (depth: number): Tensor => outputs[depth - 1]!;
    return {
      output,
      representation: this.#depth === null ? output : outputOf(this.#depth),
      aligned: this.#alignedDepth === null ? null : outputOf(this.#alignedDepth),
    };
  }

  /** The first block's input: buffers, then visible tokens in raster order. @returns [B, U + V, D] */
  embed(tokens: Tensor, mask: TokenMask, random?: Generator): Tensor {
    return scope(() => {
      const [B, N, C] = tokens.shape as [number, number, number];
      const D = this.positions.size(2);
      const V = N - mask.count;
      const bufferPositions = this.positions.narrow(1, 0, this.#bufferTokens);
      const imagePositions = this.positions.narrow(1, this.#bufferTokens, N);
      const buffers = this.#classLatent(B, random).unsqueeze(1).add(bufferPositions);
      let visible = tokens;
      let places = imagePositions;
      if (mask.count > 0) {
        const at = mask.otherPositions(tokens.device);
        visible = tokens.gather(1, at.unsqueeze(-1).expand([B, V, C]));
        places = imagePositions
          .squeeze(0)
          .indexSelect(0, at.reshape([-1]))
          .reshape([B, V, D]);
      }
      return this.inputNorm.forward(cat([buffers, this.inputProjection.forward(visible).add(places)], 1));
    });
  }

  /** Row 0 of the class embedding; in training `fakeLatent` replaces it with the configured probability. [B, D] */
  #classLatent(B: number, random?: Generator): Tensor {
    const latent = this.classEmbedding.weight.narrow(0, 0, 1).expand([B, this.fakeLatent.size(1)]);
    if (this.mode === "eval") return latent;
    const { device } = latent;
    const dropped =
      this.#classDrop > 0
        ? rand([B, 1], { generator: random ?? null })
            .lt(this.#classDrop)
            .to({ dtype: "float32", device })
        : zeros([B, 1], { device });
    return dropped.mul(this.fakeLatent).add(dropped.neg().add(1).mul(latent));
  }
}
