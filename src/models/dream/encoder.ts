/**
 * @file The encoder: a vision transformer over buffer tokens and the visible image tokens. It never sees text
 * (SPEC section 3). Masked tokens are dropped before the first block, so hiding makes it cheaper.
 */
import { DreamError } from "../../errors.js";
import { Block, Embedding, LayerNorm, Linear, Module, parameter, segment } from "../../nn/index.js";
import { cat, type Device, type Generator, rand, scope, type Tensor, zeros } from "../../tensor/index.js";
import { type ClassConfig, type DreamConfig, tokenCount, tokenWidth } from "./config.js";
import { TokenMask } from "./mask.js";

/** What the encoder gives. */
export interface Encoded {
  /** [B, U + V, D], normed: what the decoder reads. */
  readonly output: Tensor;
  /** [B, U + V, D]: what the image embedding is made of; the output, or an inner block's where the config says so. */
  readonly representation: Tensor;
  /** [B, U + V, D], the un-normed output of the block that is aligned to frozen features; null without alignment. */
  readonly aligned: Tensor | null;
}

/** What the encoder is told beside the picture. */
export interface EncoderContext {
  /** Each picture's class, int64 [B], where classes condition; `untold` puts `fakeLatent` in a class's place. */
  readonly classes?: Tensor | "untold" | undefined;
  /** Draws which class embeddings are dropped, in training. */
  readonly random?: Generator | undefined;
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
  readonly #classes: ClassConfig;

  /** @param pathDropped share of the samples that skip the last block in training; earlier blocks are skipped in proportion to their depth */
  constructor(config: DreamConfig, device: Device = "cpu", pathDropped = 0) {
    super();
    const { encoder, bufferTokens, classes, normEpsilon } = config;
    const size = { ...encoder, epsilon: normEpsilon, dropout: config.dropout };
    this.classEmbedding = new Embedding(classes.count, encoder.width, device);
    this.fakeLatent = parameter([1, encoder.width], device);
    this.inputProjection = new Linear(tokenWidth(config), encoder.width, device);
    this.positions = parameter([1, bufferTokens + tokenCount(config), encoder.width], device);
    this.inputNorm = new LayerNorm(encoder.width, 1e-6, device);
    const skipped = (depth: number): number => (pathDropped * depth) / Math.max(1, encoder.depth - 1);
    this.blocks = Array.from({ length: encoder.depth }, (_, i) => new Block(size, device, skipped(i)));
    this.norm = new LayerNorm(encoder.width, normEpsilon, device);
    this.#bufferTokens = bufferTokens;
    requireBlock("joint.depth", config.joint.depth, encoder.depth);
    requireBlock("alignment.depth", config.alignment?.depth ?? null, encoder.depth);
    this.#depth = config.joint.depth;
    this.#alignedDepth = config.alignment?.depth ?? null;
    this.#classes = classes;
  }

  /** @param tokens [B, N, C] @param mask the hidden tokens */
  forward(tokens: Tensor, mask: TokenMask, context: EncoderContext = {}): Encoded {
    let x = this.embed(tokens, mask, context);
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

  /**
   * What probes read (SPEC section 12): the last block's output of whole pictures, without the trained norm, `fakeLatent` at the
   * buffer positions. @param tokens [B, N, C] @returns [B, U + N, D]
   */
  features(tokens: Tensor): Tensor {
    let x = this.embed(tokens, TokenMask.none(tokens.size(0), tokens.size(1)), { classes: "untold" });
    for (const block of this.blocks) x = block.forward(x);
    return x;
  }

  /** The first block's input: buffers, then visible tokens in raster order. @returns [B, U + V, D] */
  embed(tokens: Tensor, mask: TokenMask, context: EncoderContext = {}): Tensor {
    return scope(() => {
      const [B, N, C] = tokens.shape as [number, number, number];
      const D = this.positions.size(2);
      const V = N - mask.count;
      const bufferPositions = this.positions.narrow(1, 0, this.#bufferTokens);
      const imagePositions = this.positions.narrow(1, this.#bufferTokens, N);
      const buffers = this.#classLatent(B, context).unsqueeze(1).add(bufferPositions);
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

  /** What stands at the buffer positions, [B, D]. In training `fakeLatent` takes its place with the configured probability. */
  #classLatent(B: number, { classes, random }: EncoderContext): Tensor {
    const { kind, dropProbability } = this.#classes;
    const { weight } = this.classEmbedding;
    if (classes === "untold") return this.fakeLatent.expand([B, -1]);
    if (kind === "labels" && classes === undefined) {
      if (this.mode === "eval") return this.fakeLatent.expand([B, -1]);
      throw new DreamError("value", {
        operation: "train a model that classes condition",
        expected: "the class of each picture",
        got: "none",
        hint: "train it on data with labels",
      });
    }
    const latent =
      kind === "labels" ? weight.indexSelect(0, classes!) : weight.narrow(0, 0, 1).expand([B, -1]);
    if (this.mode === "eval") return latent;
    const { device } = latent;
    const dropped =
      dropProbability > 0
        ? rand([B, 1], { generator: random ?? null })
            .lt(dropProbability)
            .to({ dtype: "float32", device })
        : zeros([B, 1], { device });
    return dropped.mul(this.fakeLatent).add(dropped.neg().add(1).mul(latent));
  }
}
