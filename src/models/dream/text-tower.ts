/** @file The text tower: CLIP's causal transformer over a caption's tokens (SPEC section 3, "Text embedding"). */
import { Block, Embedding, LayerNorm, Module, noDropout, parameter, segment } from "../../nn/index.js";
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
    return this.tokenEmbedding.forward(ids).add(this.positions.narrow(0, 0, ids.size(1)));
  }

  /** One block, seeing only what stands before. @param x [B, L, W] */
  through(block: Block, x: Tensor): Tensor {
    const L = x.size(1);
    return block.forward(x, this.#causal.narrow(0, 0, L).narrow(1, 0, L));
  }

  /**
   * The feature at each caption's end-of-text token, which has the largest id of its row. What stands behind the last of them is
   * never looked at, since blocks see only what stands before; so it is not computed.
   * @param ids int64 [B, L] @returns [B, W]
   */
  ends(ids: Tensor): Tensor {
    return scope(() => {
      const ends = ids.argmax(1);
      let x = this.embed(ids.narrow(1, 0, ends.amax().item() + 1));
      for (const block of this.blocks) x = segment([x], (input) => this.through(block, input));
      const [B, , W] = x.shape as [number, number, number];
      return this.norm.forward(x.gather(1, ends.reshape([B, 1, 1]).expand([B, 1, W])).squeeze(1));
    });
  }

  /** The embedding before normalisation. @param ids int64 [B, L] @returns [B, joint width] */
  features(ids: Tensor): Tensor {
    return scope(() => this.projection.forward(this.ends(ids)));
  }

  /** The text embedding, unit length. @param ids int64 [B, L] @returns [B, joint width] */
  forward(ids: Tensor): Tensor {
    return normalise(this.features(ids));
  }

  protected override constants(): readonly Tensor[] {
    return [this.#causal];
  }
}
