/**
 * @file The encoder of T5 (Raffel et al. 2020) and T5 1.1, whose states DREAM's text aligner reads. Its norm neither centres nor
 * shifts, its attention does not divide by the square root of the head's width, and positions are relative. Folders as
 * Hugging Face's transformers writes them, of the encoder or of the whole model.
 */
import { attend, Embedding, LinearMap, Module, type StateSource } from "../../nn/index.js";
import { cat, type Device, type DType, ones, scope, type Tensor } from "../../tensor/index.js";
import { type ActivationName, activate } from "./activation.js";
import { frozenModel, openPretrained, parseConfig, selectWeights } from "./pretrained.js";
import { RelativePositions } from "./relative-positions.js";
import { type Renaming, renamed } from "./renaming.js";
import { type T5Config, t5Config } from "./t5-config.js";
import { throughBlocks } from "./through-blocks.js";

/** How T5 is held: in float16 its feed-forward layers overflow, so that is no choice. */
export interface T5Options {
  readonly device?: Device;
  readonly dtype?: "float32" | "bfloat16";
}

/** The encoder of a T5, whose states the decoder reads. */
export class T5Encoder extends Module {
  /** D, of the states. */
  readonly width: number;
  readonly tokenEmbedding: Embedding;
  readonly positions: RelativePositions;
  readonly blocks: T5Block[];
  readonly norm: RmsNorm;

  constructor(config: T5Config, device: Device = "cpu") {
    super();
    this.width = config.width;
    this.tokenEmbedding = new Embedding(config.vocabulary, config.width, device);
    this.positions = new RelativePositions(config, device);
    this.blocks = Array.from({ length: config.depth }, () => new T5Block(config, device));
    this.norm = new RmsNorm(config.width, config.epsilon, device);
  }

  /**
   * A folder's encoder, frozen. Weights of any type become `dtype`.
   * @throws DreamError `io`, `format` or `state` where the folder does not hold one
   */
  static open(path: string, { device = "cpu", dtype = "float32" }: T5Options = {}): T5Encoder {
    const folder = openPretrained(path);
    const config = parseConfig(folder, t5Config);
    const weights = encoderWeights(folder.weights);
    const storedName = (name: string): string => renamed(name, renaming);
    return frozenModel((on) => new T5Encoder(config, on), storedName, weights, { device, dtype });
  }

  /**
   * @param ids int64 [B, L]
   * @param mask [B, L], 0 at places that are not to be seen; null, as DREAM runs it, shows the padding too
   * @returns [B, L, D]
   */
  forward(ids: Tensor, mask: Tensor | null = null): Tensor {
    return scope(() => {
      const positions = this.positions.forward(ids.size(1));
      const bias = mask === null ? positions : positions.add(inType(hiding(mask), positions.dtype));
      const x = this.tokenEmbedding.forward(ids);
      return this.norm.forward(throughBlocks(this.blocks, x, (block, states) => block.forward(states, bias)));
    });
  }
}

/** Finite, in bfloat16 too, so that a text of which nothing is to be seen has states and not NaN. */
const hidden = -3e38;

/** @param mask [B, L] @returns float32 [B, 1, 1, L] to be added to scores */
function hiding(mask: Tensor): Tensor {
  return mask.eq(0).to({ dtype: "float32" }).mul(hidden).unsqueeze(1).unsqueeze(1);
}

/** Attention and feed-forward layer, each with a residual. */
class T5Block extends Module {
  readonly norm1: RmsNorm;
  readonly attention: T5Attention;
  readonly norm2: RmsNorm;
  readonly feedForward: FeedForward | GatedFeedForward;

  constructor(config: T5Config, device: Device) {
    super();
    this.norm1 = new RmsNorm(config.width, config.epsilon, device);
    this.attention = new T5Attention(config, device);
    this.norm2 = new RmsNorm(config.width, config.epsilon, device);
    const FeedForwardLayer = config.feedForward.gated ? GatedFeedForward : FeedForward;
    this.feedForward = new FeedForwardLayer(config, device);
  }

  /** @param x [B, L, D] @param bias added to the scores, broadcast to [B, heads, L, L] */
  forward(x: Tensor, bias: Tensor): Tensor {
    return scope(() => {
      const attended = x.add(this.attention.forward(this.norm1.forward(x), bias));
      return attended.add(this.feedForward.forward(this.norm2.forward(attended)));
    });
  }
}

class T5Attention extends Module {
  readonly q: LinearMap;
  readonly k: LinearMap;
  readonly v: LinearMap;
  readonly projection: LinearMap;
  readonly #heads: number;
  readonly #scale: number;

  constructor({ width, heads, headWidth }: T5Config, device: Device) {
    super();
    this.q = new LinearMap(width, heads * headWidth, device);
    this.k = new LinearMap(width, heads * headWidth, device);
    this.v = new LinearMap(width, heads * headWidth, device);
    this.projection = new LinearMap(heads * headWidth, width, device);
    this.#heads = heads;
    this.#scale = Math.sqrt(headWidth);
  }

  forward(x: Tensor, bias: Tensor): Tensor {
    // Taken back by the division in `attend`; exactly, for the 64 that every published T5 has.
    const q = this.q.forward(x).mul(this.#scale);
    const kv = cat([this.k.forward(x), this.v.forward(x)], 2);
    return this.projection.forward(inType(attend(q, kv, this.#heads, bias, 0), x.dtype));
  }
}

class FeedForward extends Module {
  readonly input: LinearMap;
  readonly output: LinearMap;
  readonly #activation: ActivationName;

  constructor({ width, hiddenWidth, feedForward }: T5Config, device: Device) {
    super();
    this.input = new LinearMap(width, hiddenWidth, device);
    this.output = new LinearMap(hiddenWidth, width, device);
    this.#activation = feedForward.activation;
  }

  forward(x: Tensor): Tensor {
    return this.output.forward(activate(this.#activation, this.input.forward(x)));
  }
}

/** T5 1.1's, in which one activated map multiplies another. */
class GatedFeedForward extends Module {
  readonly gate: LinearMap;
  readonly value: LinearMap;
  readonly output: LinearMap;
  readonly #activation: ActivationName;

  constructor({ width, hiddenWidth, feedForward }: T5Config, device: Device) {
    super();
    this.gate = new LinearMap(width, hiddenWidth, device);
    this.value = new LinearMap(width, hiddenWidth, device);
    this.output = new LinearMap(hiddenWidth, width, device);
    this.#activation = feedForward.activation;
  }

  forward(x: Tensor): Tensor {
    const gate = activate(this.#activation, this.gate.forward(x));
    return this.output.forward(gate.mul(this.value.forward(x)));
  }
}

/** Divides by the root of the mean square, in float32, and scales. */
class RmsNorm extends Module {
  readonly weight: Tensor;
  readonly #epsilon: number;

  constructor(width: number, epsilon: number, device: Device) {
    super();
    this.weight = ones([width], { device }).persist();
    this.#epsilon = epsilon;
  }

  /** @param x [..., width] */
  forward(x: Tensor): Tensor {
    const single = inType(x, "float32");
    const scale = single.square().mean(-1, true).add(this.#epsilon).rsqrt();
    return inType(single.mul(scale), this.weight.dtype).mul(this.weight);
  }
}

function inType(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : x.to({ dtype });
}

const renaming: Renaming = [
  [/^tokenEmbedding\./, "shared."],
  [/^positions\./, "encoder.block.0.layer.0.SelfAttention.relative_attention_bias."],
  [/^norm\./, "encoder.final_layer_norm."],
  [/^blocks\.(\d+)\.(norm1|attention)\./, "encoder.block.$1.layer.0.$2."],
  [/^blocks\.(\d+)\.(norm2|feedForward)\./, "encoder.block.$1.layer.1.$2."],
  [/\.norm\d\./, ".layer_norm."],
  [/\.attention\.projection\./, ".attention.o."],
  [/\.attention\./, ".SelfAttention."],
  [/\.feedForward\.input\./, ".feedForward.wi."],
  [/\.feedForward\.gate\./, ".feedForward.wi_0."],
  [/\.feedForward\.value\./, ".feedForward.wi_1."],
  [/\.feedForward\.output\./, ".feedForward.wo."],
  [/\.feedForward\./, ".DenseReluDense."],
];

/** The encoder's weights of a file that may hold the decoder's too. The token embedding goes by two names; a file has one, or both. */
function encoderWeights(source: StateSource): StateSource {
  const twice = source.shapes.has("shared.weight");
  return selectWeights(source, (name) => {
    if (/^(decoder|lm_head)\./.test(name)) return null;
    if (name !== "encoder.embed_tokens.weight") return name;
    return twice ? null : "shared.weight";
  });
}
