/** @file What turns pictures into latents and back: the paper's VAE, or principal components of patches in its place. */
import type { DreamModel } from "../models/dream/dream.js";
import type { Tensor } from "../tensor/index.js";

/** Pictures to latents and back. */
export interface PictureCodec {
  /** Pixels of a side that one latent pixel stands for. */
  readonly stride: number;
  /** Numbers in a latent pixel. */
  readonly channels: number;
  /** Numbers that are kept for each latent pixel: of a VAE, the posterior's means and log variances. */
  readonly encodedChannels: number;
  /** For people. */
  readonly description: string;
  /** Tells codecs apart whose latents differ. */
  readonly identity: string;
  /** All that latents are made of. @param pixels [B, 3, H, W], -1..1 @returns [B, encoded channels, H/stride, W/stride] */
  encode(pixels: Tensor): Tensor;
  /** @param encoded as {@link encode} gives it @param noise N(0, 1) like the latents, or null for the most likely ones @returns [B, channels, h, w] */
  latents(encoded: Tensor, noise: Tensor | null): Tensor;
  /** @param latents [B, channels, h, w] @returns pixels [B, 3, H, W], about -1..1 */
  decode(latents: Tensor): Tensor;
  /** Frees its weights. */
  dispose(): void;
}

/** Side of the pictures that a model is trained on, in pixels. */
export function pictureSide({
  model,
  codec,
}: {
  readonly model: DreamModel;
  readonly codec: Pick<PictureCodec, "stride">;
}): number {
  return model.config.latent.side * codec.stride;
}
