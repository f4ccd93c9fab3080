/** @file A copy of a model's encoder with a classifier on its pooled tokens, and how fast each of its parameters may learn. */
import type { DreamConfig } from "../models/dream/config.js";
import { tokenCount } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { Encoder } from "../models/dream/encoder.js";
import { patchify } from "../models/dream/tokens.js";
import {
  LayerNorm,
  Linear,
  loadState,
  Module,
  type NamedTensor,
  noDropout,
  stateInMemory,
} from "../nn/index.js";
import { type Generator, noGrad, type Tensor } from "../tensor/index.js";

/** As MAE's, which begins its classifier at N(0, 2e-5) and pools patch tokens before a fresh norm. */
export class FineTuned extends Module {
  readonly encoder: Encoder;
  readonly norm: LayerNorm;
  readonly head: Linear;
  readonly #config: DreamConfig;

  /** @param pathDropped share of the samples that skip the last block in training @param random draws the classifier */
  constructor(model: DreamModel, classes: number, pathDropped: number, random: Generator) {
    super();
    const { config, device } = model;
    const { width } = config.encoder;
    this.#config = config;
    this.encoder = new Encoder({ ...config, dropout: noDropout }, device, pathDropped);
    loadState([...this.encoder.namedTensors()], stateInMemory("encoder", [...model.encoder.namedTensors()]));
    this.norm = new LayerNorm(width, 1e-6, device);
    this.head = new Linear(width, classes, device);
    noGrad(() => this.head.weight.normal_(0, 2e-5, { generator: random }));
  }

  /** @param latents [B, C, H, W] @returns [B, classes] */
  forward(latents: Tensor): Tensor {
    const { bufferTokens, latent } = this.#config;
    const states = this.encoder.features(patchify(latents, latent.patch));
    const pooled = states.narrow(1, bufferTokens, tokenCount(this.#config)).mean(1);
    return this.head.forward(this.norm.forward(pooled));
  }

  /** What {@link forward} depends on: the encoder's own norm and its class embeddings are not among it. */
  learning(): NamedTensor[] {
    return this.parameters().filter(([name]) => !/^encoder\.(norm|classEmbedding)\./.test(name));
  }
}

/** What a parameter's learning rate is multiplied with. @param depth blocks of the encoder @param decay from one layer to the one before it */
export function layerFactor(name: string, depth: number, decay: number): number {
  const [, block] = /^encoder\.blocks\.(\d+)\./.exec(name) ?? [];
  const embedded = name.startsWith("encoder.") ? 0 : depth + 1;
  return decay ** (depth + 1 - (block === undefined ? embedded : Number(block) + 1));
}

/** Whether weight decay reaches a parameter: not biases, norms, and other vectors, and as in MAE not positions and tokens either. */
export function isDecayed([name, { shape }]: NamedTensor): boolean {
  return shape.length > 1 && !/^encoder\.(positions|fakeLatent)$/.test(name);
}
