/**
 * @file The decoder: fills the masked places, and reads the aligned text by cross-attention. What it gives for each token
 * conditions the diffusion head (SPEC section 3).
 */
import {
  CrossBlock,
  LayerNorm,
  Linear,
  Module,
  parameter,
  segment,
  type TextMemory,
} from "../../nn/index.js";
import { cat, type Device, scope, type Tensor, tensor } from "../../tensor/index.js";
import { type DreamConfig, tokenCount } from "./config.js";
import type { TokenMask } from "./mask.js";

export class Decoder extends Module {
  readonly embedding: Linear;
  readonly maskToken: Tensor;
  readonly positions: Tensor;
  readonly inputNorm: LayerNorm;
  readonly blocks: CrossBlock[];
  readonly norm: LayerNorm;
  readonly outputPositions: Tensor;
  readonly #bufferTokens: number;

  constructor(config: DreamConfig, device: Device = "cpu") {
    super();
    const { encoder, decoder, bufferTokens, normEpsilon, dropout } = config;
    const N = tokenCount(config);
    const size = { ...decoder, epsilon: normEpsilon, dropout };
    this.embedding = new Linear(encoder.width, decoder.width, device);
    this.maskToken = parameter([1, 1, decoder.width], device);
    this.positions = parameter([1, bufferTokens + N, decoder.width], device);
    this.inputNorm = new LayerNorm(decoder.width, 1e-6, device);
    this.blocks = Array.from({ length: decoder.depth }, () => new CrossBlock(size, device));
    this.norm = new LayerNorm(decoder.width, normEpsilon, device);
    this.outputPositions = parameter([1, N, decoder.width], device);
    this.#bufferTokens = bufferTokens;
  }

  /** Each block's keys and values of a text; they hold for all decoding steps. @param text [B, L, D] */
  remember(text: Tensor): TextMemory[] {
    return this.blocks.map((block) => block.crossAttention.remember(text));
  }

  /** The first block's input: every place filled, with `maskToken` where masked. @returns [B, U + N, D] */
  embed(encoded: Tensor, mask: TokenMask): Tensor {
    return scope(() => {
      const known = this.embedding.forward(encoded);
      const [B, T, D] = known.shape as [number, number, number];
      const U = this.#bufferTokens;
      let places = known;
      if (mask.count > 0) {
        const rows = cat([known.reshape([B * T, D]), this.maskToken.reshape([1, D])], 0);
        const from = mask.restoration(U, B * T);
        const at = tensor(from, [from.length], { dtype: "int64", device: encoded.device });
        places = rows.indexSelect(0, at).reshape([B, U + mask.tokenCount, D]);
      }
      return this.inputNorm.forward(places.add(this.positions));
    });
  }

  /**
   * After the last block's self-attention a place stands by itself, so that block finishes the wanted tokens only.
   * @param encoded [B, U + V, D] @param mask the hidden tokens
   * @param memory {@link remember} of texts: one for each image, or T, all images with their first texts before all with their second
   * @param wanted the tokens whose conditions are asked for, of each image with each text
   * @returns z [T B, P, D] of the wanted tokens in raster order
   */
  forward(encoded: Tensor, mask: TokenMask, memory: readonly TextMemory[], wanted: TokenMask): Tensor {
    const last = this.blocks.length - 1;
    const rows = wanted.rows(encoded.device, this.#bufferTokens);
    let x = this.embed(encoded, mask);
    for (const [i, block] of this.blocks.entries())
      x = segment([x, memory[i]!], (input, told) => block.forward(input, told, i === last ? rows : null));
    return scope(() => {
      const places = wanted.positions(encoded.device).flatten(0, 1);
      const positions = this.outputPositions.squeeze(0).indexSelect(0, places).reshape(x.shape);
      return this.norm.forward(x).add(positions);
    });
  }
}
