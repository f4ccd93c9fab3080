/** @file The paper's codec: the posterior of a frozen autoencoder, sampled and scaled (SPEC section 2). */
import { DreamError } from "../errors.js";
import { type AutoencoderKl, meanOf, sampleMoments } from "../models/frozen/vae.js";
import { cat, type Device, type DType, noGrad, scope, type Tensor } from "../tensor/index.js";
import type { PictureCodec } from "./picture-codec.js";

/** Pictures that go through the autoencoder at a time: its activations are hundreds of times a picture's size. */
const window = 8;

export class VaeCodec implements PictureCodec {
  readonly #vae: AutoencoderKl | null;

  /**
   * @param shape known without the weights
   * @param vae null where all pictures come encoded, from a cache
   */
  constructor(
    readonly identity: string,
    readonly scale: number,
    shape: { readonly stride: number; readonly channels: number },
    vae: AutoencoderKl | null,
    /** Where the autoencoder computes, and in what. */
    readonly place: { readonly device: Device; readonly dtype: DType } = { device: "cpu", dtype: "float32" },
  ) {
    this.stride = shape.stride;
    this.channels = shape.channels;
    this.#vae = vae;
  }

  readonly stride: number;
  readonly channels: number;

  /** Whether it has no weights, and neither encodes nor decodes. */
  get isClosed(): boolean {
    return this.#vae === null;
  }

  get description(): string {
    return `${this.channels} numbers for each ${this.stride}x${this.stride} pixels, from a frozen autoencoder`;
  }

  get encodedChannels(): number {
    return 2 * this.channels;
  }

  encode(pixels: Tensor): Tensor {
    const vae = this.#opened();
    return noGrad(() =>
      scope(() => inWindows(pixels, (part) => vae.moments(part.to(this.place)).to({ dtype: "float32" }))),
    );
  }

  latents(encoded: Tensor, noise: Tensor | null): Tensor {
    return scope(() =>
      (noise === null ? meanOf(encoded) : sampleMoments(encoded, noise.to({ device: encoded.device }))).mul(
        this.scale,
      ),
    );
  }

  decode(latents: Tensor): Tensor {
    const vae = this.#opened();
    return noGrad(() =>
      scope(() =>
        inWindows(latents.div(this.scale), (part) =>
          vae.decode(part.to(this.place)).to({ dtype: "float32" }),
        ),
      ),
    );
  }

  #opened(): AutoencoderKl {
    if (this.#vae !== null) return this.#vae;
    throw new DreamError("state", {
      operation: "use the autoencoder",
      expected: "its weights",
      got: "a model opened without them, to train from a cache",
      hint: "open the model with its frozen parts",
    });
  }

  dispose(): void {
    this.#vae?.dispose();
  }
}

function inWindows(rows: Tensor, body: (part: Tensor) => Tensor): Tensor {
  const B = rows.size(0);
  if (B <= window) return body(rows);
  const parts: Tensor[] = [];
  for (let first = 0; first < B; first += window)
    parts.push(scope(() => body(rows.narrow(0, first, Math.min(window, B - first)))));
  return cat(parts, 0);
}
