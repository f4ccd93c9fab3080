/**
 * @file The Inception network that FID and IS are computed with, as torch-fidelity has it: from pictures to 2,048 features and the
 * logits of 1,008 classes.
 */
import { DreamError } from "../../errors.js";
import { LinearMap, Module, parameter, type StateSource } from "../../nn/index.js";
import {
  avgPool2d,
  batchNorm,
  cat,
  convolution2d,
  type Device,
  maxPool2d,
  scope,
  type Tensor,
} from "../../tensor/index.js";
import { inceptionInput } from "./inception-input.js";
import { type ConvolutionStep, inceptionLayout, type Step } from "./inception-layout.js";
import { type FrozenOptions, frozenModel, selectWeights } from "./pretrained.js";
import { type Layer, through } from "./through.js";

const epsilon = 1e-3;
const classCount = 1008;

/** BatchNorm with the statistics that it was left with. */
class RestingNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVariance: Tensor;

  constructor(channels: number, device: Device) {
    super();
    this.weight = parameter([channels], device);
    this.bias = parameter([channels], device);
    this.runningMean = parameter([channels], device);
    this.runningVariance = parameter([channels], device);
  }

  /** @param x [B, C, H, W] */
  forward(x: Tensor): Tensor {
    return batchNorm(x, this.weight, this.bias, this.runningMean, this.runningVariance, false, 0, epsilon);
  }
}

class Convolution extends Module {
  readonly kernel: Tensor;
  readonly norm: RestingNorm;
  readonly #step: ConvolutionStep;

  constructor(inputChannels: number, outputChannels: number, step: ConvolutionStep, device: Device) {
    super();
    this.kernel = parameter([outputChannels, inputChannels, ...step.kernel], device);
    this.norm = new RestingNorm(outputChannels, device);
    this.#step = step;
  }

  /** The name of its weights in files. */
  get name(): string {
    return this.#step.name;
  }

  forward(x: Tensor): Tensor {
    const { stride, padding } = this.#step;
    return scope(() => this.norm.forward(convolution2d(x, this.kernel, null, stride, padding)).relu());
  }
}

/** What the network says of pictures. */
export interface InceptionFeatures {
  /** For FID [B, 2048]. */
  readonly pool: Tensor;
  /** For IS, without the last layer's bias [B, 1008]. */
  readonly logits: Tensor;
}

/** The Inception network of FID (torch-fidelity's weights). */
export class Inception extends Module {
  /** In the order of the layout. */
  readonly convolutions: Convolution[] = [];
  readonly classes: LinearMap;
  readonly #layers: readonly Layer[];

  /** @param divisor 1 for the network itself; a larger one divides every width, rounded up: for tests */
  constructor(divisor = 1, device: Device = "cpu") {
    super();
    const narrow = (width: number): number => Math.ceil(width / divisor);
    const { layers, channels } = this.#chain(inceptionLayout, 3, narrow, device);
    this.#layers = layers;
    this.classes = new LinearMap(channels, narrow(classCount), device);
  }

  /**
   * The network with torch-fidelity's weights.
   * @throws DreamError `state` where they are another network's
   */
  static from(weights: StateSource, options: FrozenOptions & { readonly divisor?: number } = {}): Inception {
    let names: readonly string[] = [];
    const build = (device: Device): Inception => {
      const model = new Inception(options.divisor, device);
      names = model.convolutions.map(({ name }) => name);
      return model;
    };
    const used = selectWeights(weights, (name) =>
      name === "fc.bias" || name.endsWith(".num_batches_tracked") ? null : name,
    );
    return frozenModel(build, (path) => storedName(path, names), used, options);
  }

  /**
   * @param images uint8 [B, 3, H, W] of any size
   * @throws DreamError `type` or `shape` for anything else
   */
  forward(images: Tensor): InceptionFeatures {
    requirePictures(images);
    return scope(() => {
      const pool = through(images, [{ forward: inceptionInput }, ...this.#layers]).mean([2, 3]);
      return { pool, logits: this.classes.forward(pool) };
    });
  }

  /** Layers for steps, and how many channels come out of the last. */
  #chain(
    steps: readonly Step[],
    inputChannels: number,
    narrow: (width: number) => number,
    device: Device,
  ): { layers: Layer[]; channels: number } {
    let channels = inputChannels;
    const layers = steps.map((step): Layer => {
      switch (step.kind) {
        case "convolution": {
          const convolution = new Convolution(channels, narrow(step.channels), step, device);
          this.convolutions.push(convolution);
          channels = narrow(step.channels);
          return convolution;
        }
        case "average-pool":
          return { forward: (x) => avgPool2d(x, 3, 1, 1, false, false) };
        case "max-pool":
          return { forward: (x) => maxPool2d(x, 3, step.stride, step.stride === 1 ? 1 : 0) };
        case "branches": {
          const before = channels;
          const chains = step.branches.map((branch) => this.#chain(branch, before, narrow, device));
          channels = chains.reduce((sum, chain) => sum + chain.channels, 0);
          return sideBySide(chains.map(({ layers }) => layers));
        }
        default:
          throw new Error(`internal: no layer for ${step satisfies never}`);
      }
    });
    return { layers, channels };
  }
}

function sideBySide(branches: readonly (readonly Layer[])[]): Layer {
  const forward = (x: Tensor): Tensor =>
    scope(() =>
      cat(
        branches.map((layers) => through(x, layers)),
        1,
      ),
    );
  return { forward };
}

/** torch-fidelity's name for a property path. @param names of the convolutions, in order */
function storedName(path: string, names: readonly string[]): string {
  return path
    .replace(/^convolutions\.(\d+)\./, (_, i: string) => `${names[Number(i)]}.`)
    .replace(/\.kernel$/, ".conv.weight")
    .replace(".norm.", ".bn.")
    .replace(/runningMean$/, "running_mean")
    .replace(/runningVariance$/, "running_var")
    .replace(/^classes\./, "fc.");
}

function requirePictures(images: Tensor): void {
  const { dtype, shape } = images;
  const fits = shape.length === 4 && shape[1] === 3 && shape.every((size) => size > 0);
  if (dtype === "uint8" && fits) return;
  throw new DreamError(fits ? "type" : "shape", {
    operation: "Inception features",
    expected: "pictures as uint8 [B, 3, H, W]",
    got: String(images),
    hint: "give pixels 0..255, not yet resized or normalised",
  });
}
