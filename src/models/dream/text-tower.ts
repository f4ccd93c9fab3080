/** @file The text tower: CLIP's causal transformer over a caption's tokens (SPEC section 3, "Text embedding"). */
import { Block, Embedding, LayerNorm, Module, noDropout, parameter } from "../../nn/index.js";
import { type Device, full, scope, type Tensor } from "../../tensor/index.js";
import type { DreamConfig } from "./config.js";
import { normalise } from "./contrastive.js";
import { TextProjection } from "./projection.js";

/** CLIP's: an MLP four times the width, LayerNorm epsilon 1e-5, no dropout. */
const epsilon = 1e-5;

export class TextTower extends Module {
  readonly tokenEmbedding: Embedding;
  readonly positions: Tensor;
  readonly blocks: Block[];
  readonly norm: LayerNorm;
  readonly projection: TextProjection;
  readonly #causal: Tensor;

  constructor({ textTower, joint }: DreamConfig, device: Device = "cpu") {
    super();
    const { width, depth, heads, contextLength, vocabulary } = textTower;
    const size = { width, heads, mlpWidth: 4 * width, epsilon, dropout: noDropout };
    this.tokenEmbedding = new Embedding(vocabulary, width, device);
    this.positions = parameter([contextLength, width], device);
    this.blocks = Array.from({ length: depth }, () => new Block(size, device));
    this.norm = new LayerNorm(width, epsilon, device);
    this.projection = new TextProjection(joint.text, width, joint.width, device);
    const L = contextLength;
    this.#causal = scope(() => full([L, L], Number.NEGATIVE_INFINITY, { device }).triu(1)).persist();
  }

  /** The first block's input. @param ids int64 [B, L] @returns [B, L, W] */
  embed(ids: Tensor): Tensor {
    return this.tokenEmbedding.forward(ids).add(this.positions);
  }

  /** One block, seeing only what stands before. @param x [B, L, W] */
  through(block: Block, x: Tensor): Tensor {
    return block.forward(x, this.#causal);
  }

  /**
   * The embedding before normalisation: the feature at the end-of-text token, which has the largest id of its row.
   * @param ids int64 [B, L] @returns [B, joint width]
   */
  features(ids: Tensor): Tensor {
    return scope(() => {
      let x = this.embed(ids);
      for (const block of this.blocks) x = this.through(block, x);
      const [B, , W] = x.shape as [number, number, number];
      const ends = ids.argmax(1).reshape([B, 1, 1]).expand([B, 1, W]);
      return this.projection.forward(this.norm.forward(x).gather(1, ends).squeeze(1));
    });
  }

  /** The text embedding, unit length. @param ids int64 [B, L] @returns [B, joint width] */
  forward(ids: Tensor): Tensor {
    return normalise(this.features(ids));
  }

  override dispose(): void {
    super.dispose();
    this.#causal.dispose();
  }
}
