/** @file From encoder tokens to the image embedding, and from the end-of-text feature to the text embedding (SPEC section 3). */
import { BatchNorm, Linear, Module, parameter } from "../../nn/index.js";
import { cat, type Device, type Tensor } from "../../tensor/index.js";
import type { ImageProjectionConfig, Pool, TextProjectionConfig } from "./config.js";

/** A matrix [in, out] that multiplies from the right. */
export type Matrix = Tensor;

/** Three Linears with SiLU between. */
export class SiluMlp extends Module {
  readonly layers: Linear[];

  constructor(inputWidth: number, hiddenWidth: number, outputWidth: number, device: Device = "cpu") {
    super();
    this.layers = [
      new Linear(inputWidth, hiddenWidth, device),
      new Linear(hiddenWidth, hiddenWidth, device),
      new Linear(hiddenWidth, outputWidth, device),
    ];
  }

  /** @param x [..., in] @returns [..., out] */
  forward(x: Tensor): Tensor {
    const [first, second, third] = this.layers as [Linear, Linear, Linear];
    return third.forward(second.forward(first.forward(x).silu()).silu());
  }
}

/** Linear, BatchNorm, ReLU, twice, then Linear (StableRep's head). */
export class BatchNormMlp extends Module {
  readonly layer1: Linear;
  readonly bn1: BatchNorm;
  readonly layer2: Linear;
  readonly bn2: BatchNorm;
  readonly layer3: Linear;

  constructor(inputWidth: number, hiddenWidth: number, outputWidth: number, device: Device = "cpu") {
    super();
    this.layer1 = new Linear(inputWidth, hiddenWidth, device);
    this.bn1 = new BatchNorm(hiddenWidth, device);
    this.layer2 = new Linear(hiddenWidth, hiddenWidth, device);
    this.bn2 = new BatchNorm(hiddenWidth, device);
    this.layer3 = new Linear(hiddenWidth, outputWidth, device);
  }

  /** @param x [..., in]; statistics are taken over all axes but the last @returns [..., out] */
  forward(x: Tensor): Tensor {
    const shape = x.shape;
    const rows = x.reshape([-1, shape.at(-1)!]);
    const hidden = this.bn1.forward(this.layer1.forward(rows)).relu();
    const out = this.layer3.forward(this.bn2.forward(this.layer2.forward(hidden)).relu());
    return out.reshape([...shape.slice(0, -1), out.size(-1)]);
  }
}

type Projection = Matrix | SiluMlp | BatchNormMlp;

function project(x: Tensor, projection: Projection | null): Tensor {
  if (projection === null) return x;
  return projection instanceof Module ? projection.forward(x) : x.matmul(projection);
}

/** The image side of the joint space. */
export class ImageProjection extends Module {
  readonly projection: Projection | null;
  readonly #poolFirst: boolean;
  readonly #bufferTokens: number;

  constructor(
    config: ImageProjectionConfig,
    widths: { readonly input: number; readonly joint: number },
    bufferTokens: number,
    device: Device = "cpu",
  ) {
    super();
    this.projection = imageProjection(config, widths.input, widths.joint, device);
    this.#poolFirst = config.kind.startsWith("post-") || config.kind === "identity";
    this.#bufferTokens = bufferTokens;
  }

  /**
   * Whether groups can be gathered apart from one another, in several processes or rounds: not where BatchNorm sees single
   * tokens, whose number differs from group to group.
   */
  get gathersApart(): boolean {
    return this.#poolFirst || !(this.projection instanceof BatchNormMlp);
  }

  /**
   * What groups of images bring before BatchNorm sees the whole batch: pooled [B, D] where pooling comes first, else projected
   * and then pooled [B, joint width]. Tokens of all groups are projected as one batch.
   * @param representations [B, U + V, D] for each group
   */
  gather(representations: readonly Tensor[], pool: Pool): Tensor {
    const tokens = representations.map((one) => pooled(one, pool, this.#bufferTokens));
    if (this.#poolFirst) return cat(tokens.map((one) => one.mean(1)));
    const projected = project(cat(tokens.map((one) => one.flatten(0, 1))), this.projection);
    const lengths = tokens.map((one) => one.size(0) * one.size(1));
    const groups = splitRows(projected, lengths);
    return cat(groups.map((rows, i) => rows.reshape([tokens[i]!.size(0), -1, rows.size(1)]).mean(1)));
  }

  /** @param gathered what {@link gather} gave @returns [B, joint width], not normalised */
  project(gathered: Tensor): Tensor {
    return this.#poolFirst ? project(gathered, this.projection) : gathered;
  }

  /** @param representation [B, U + V, D] @returns [B, joint width], not normalised */
  forward(representation: Tensor, pool: Pool = "all"): Tensor {
    return this.project(this.gather([representation], pool));
  }
}

/** Rows one part after another. */
function splitRows(x: Tensor, lengths: readonly number[]): Tensor[] {
  let first = 0;
  return lengths.map((length) => {
    const part = x.narrow(0, first, length);
    first += length;
    return part;
  });
}

function pooled(representation: Tensor, pool: Pool, bufferTokens: number): Tensor {
  switch (pool) {
    case "all":
      return representation;
    case "image":
      return representation.narrow(1, bufferTokens, representation.size(1) - bufferTokens);
    case "buffer":
      return representation.narrow(1, 0, bufferTokens);
    default:
      throw new Error(`internal: no pool ${pool satisfies never}`);
  }
}

function imageProjection(
  config: ImageProjectionConfig,
  inputWidth: number,
  jointWidth: number,
  device: Device,
): Projection | null {
  switch (config.kind) {
    case "identity":
      return null;
    case "linear":
    case "post-linear":
      return parameter([inputWidth, jointWidth], device);
    case "mlp":
    case "post-mlp":
      return new SiluMlp(inputWidth, config.hiddenWidth, jointWidth, device);
    case "batch-norm":
    case "post-batch-norm":
      return new BatchNormMlp(inputWidth, config.hiddenWidth, jointWidth, device);
    default:
      throw new Error(`internal: no projection ${config satisfies never}`);
  }
}

/** The text side of the joint space: maps the end-of-text feature. */
export class TextProjection extends Module {
  readonly projection: Projection;

  constructor(config: TextProjectionConfig, inputWidth: number, jointWidth: number, device: Device = "cpu") {
    super();
    switch (config.kind) {
      case "linear":
        this.projection = parameter([inputWidth, jointWidth], device);
        break;
      case "mlp":
        this.projection = new SiluMlp(inputWidth, config.hiddenWidth, jointWidth, device);
        break;
      case "batch-norm":
        this.projection = new BatchNormMlp(inputWidth, config.hiddenWidth, jointWidth, device);
        break;
      default:
        throw new Error(`internal: no projection ${config satisfies never}`);
    }
  }

  /** @param x [B, W] @returns [B, joint width] */
  forward(x: Tensor): Tensor {
    return project(x, this.projection);
  }
}
