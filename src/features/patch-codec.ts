/**
 * @file A linear autoencoder in closed form: whitened principal components of pixel patches. It stands where the paper has a VAE, for
 * small pictures; fitted in a second, it keeps nearly all of the variance in a third of the numbers.
 */
import { createHash } from "node:crypto";
import { DreamError } from "../errors.js";
import { openSafetensors } from "../formats/safetensors.js";
import { fileState, readTensor, writeState } from "../nn/index.js";
import { linalgEigh, noGrad, scope, type Tensor } from "../tensor/index.js";
import type { PictureCodec } from "./picture-codec.js";

/** What a codec is fitted as. */
export interface CodecConfig {
  /** Side of a patch in pixels. */
  readonly patch: number;
  /** Numbers for each patch. */
  readonly components: number;
  readonly whitening: number;
}

/** The smallest share of variance that a component may have. */
const leastVariance = 1e-8;

export class PatchCodec implements PictureCodec {
  /**
   * @param mean [P] of patches, P = 3 p p @param encoder [P, C], to whitened components @param decoder [C, P], back
   * @param patch side of a patch in pixels
   */
  private constructor(
    readonly patch: number,
    readonly mean: Tensor,
    readonly encoder: Tensor,
    readonly decoder: Tensor,
    /** Share of the patches' variance that the components keep, 0..1. */
    readonly keptVariance: number,
  ) {}

  /**
   * Fits components to pictures.
   * @param pixels float32 [B, 3, H, W], -1..1
   * @param whitening 0..1: 1 gives every component the same variance, so that the faintest detail counts as much as the
   * whole patch's colour; 0 leaves the variances in the pixels' proportion. Their mean is 1 either way.
   */
  static fit(pixels: Tensor, { patch, components, whitening }: CodecConfig): PatchCodec {
    return noGrad(() =>
      scope(() => {
        const patches = cutPatches(pixels, patch).flatten(0, 2).to({ dtype: "float64" });
        const mean = patches.mean(0);
        const centred = patches.sub(mean);
        const covariance = centred.t().mm(centred).div(patches.size(0));
        const [values, vectors] = linalgEigh(covariance);
        const P = mean.size(0);
        // Eigenvalues ascend.
        const kept = values.narrow(0, P - components, components).clamp(leastVariance);
        const basis = vectors.narrow(1, P - components, components);
        const shrunk = kept.pow(whitening / 2);
        const deviations = shrunk.mul(
          kept
            .pow(1 - whitening)
            .mean()
            .sqrt(),
        );
        const share = kept.sum().item() / values.sum().item();
        const single = (x: Tensor): Tensor => x.to({ dtype: "float32" }).contiguous().persist();
        return new PatchCodec(
          patch,
          single(mean),
          single(basis.div(deviations)),
          single(basis.mul(deviations).t()),
          share,
        );
      }),
    );
  }

  get description(): string {
    const kept = (100 * this.keptVariance).toFixed(1);
    return `${this.channels} numbers for each ${this.patch}x${this.patch} patch keep ${kept}% of the variance`;
  }

  get identity(): string {
    const hash = createHash("sha256");
    for (const one of [this.mean, this.encoder, this.decoder]) hash.update(one.toBytes());
    return `patches of ${this.patch} ${hash.digest("hex").slice(0, 16)}`;
  }

  get stride(): number {
    return this.patch;
  }

  get encodedChannels(): number {
    return this.channels;
  }

  get channels(): number {
    return this.encoder.size(1);
  }

  /** @param pixels [B, 3, H, W], -1..1 @returns [B, C, H/p, W/p], each number of unit variance */
  encode(pixels: Tensor): Tensor {
    return scope(() =>
      cutPatches(pixels, this.patch).sub(this.mean).matmul(this.encoder).permute([0, 3, 1, 2]).contiguous(),
    );
  }

  /** What is kept of pictures is their latents. */
  latents(encoded: Tensor): Tensor {
    return encoded;
  }

  /** @param latents [B, C, h, w] @returns [B, 3, h p, w p] */
  decode(latents: Tensor): Tensor {
    return scope(() => {
      const [B, , h, w] = latents.shape as [number, number, number, number];
      const patches = latents.permute([0, 2, 3, 1]).matmul(this.decoder).add(this.mean);
      const p = this.patch;
      return patches
        .reshape([B, h, w, 3, p, p])
        .permute([0, 3, 1, 4, 2, 5])
        .reshape([B, 3, h * p, w * p]);
    });
  }

  async save(path: string): Promise<void> {
    await writeState(
      path,
      [
        ["mean", this.mean],
        ["encoder", this.encoder],
        ["decoder", this.decoder],
      ],
      { patch: String(this.patch), keptVariance: String(this.keptVariance) },
    );
  }

  /** @throws DreamError where the file is not one that {@link save} wrote */
  static load(path: string): PatchCodec {
    const file = openSafetensors(path);
    const { patch, keptVariance } = file.metadata;
    const names = ["mean", "encoder", "decoder"];
    if (patch === undefined || names.some((name) => !fileState(file).shapes.has(name)))
      throw new DreamError("format", {
        operation: `read ${path}`,
        expected: "a patch codec: mean, encoder, decoder and the patch's side",
        got: [...file.tensors.keys()].join(", "),
      });
    const [mean, encoder, decoder] = names.map((name) => readTensor(file, name).persist()) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    return new PatchCodec(Number(patch), mean, encoder, decoder, Number(keptVariance));
  }

  dispose(): void {
    for (const tensor of [this.mean, this.encoder, this.decoder]) tensor.dispose();
  }
}

/** [B, H/p, W/p, 3 p p]: each patch's pixels, channel by channel. */
function cutPatches(pixels: Tensor, patch: number): Tensor {
  const [B, C, H, W] = pixels.shape as [number, number, number, number];
  return pixels
    .reshape([B, C, H / patch, patch, W / patch, patch])
    .permute([0, 2, 4, 1, 3, 5])
    .reshape([B, H / patch, W / patch, C * patch * patch]);
}
