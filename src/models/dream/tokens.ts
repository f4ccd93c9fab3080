/** @file Latent images to tokens and back (SPEC section 3, "Patchify"). */
import type { Tensor } from "../../tensor/index.js";

/**
 * Cuts latent images in patches. Within a token the channel is the slowest index, then row, then column.
 * @param latents [B, C, H, W] @returns [B, (H/p)(W/p), C p p]
 */
export function patchify(latents: Tensor, patch: number): Tensor {
  const [B, C, H, W] = latents.shape as [number, number, number, number];
  const [rows, columns] = [H / patch, W / patch];
  return latents
    .reshape([B, C, rows, patch, columns, patch])
    .permute([0, 2, 4, 1, 3, 5])
    .reshape([B, rows * columns, C * patch * patch]);
}

/** The inverse of {@link patchify}, for square images. @param tokens [B, N, C p p] @returns [B, C, H, W] */
export function unpatchify(tokens: Tensor, patch: number): Tensor {
  const [B, N, width] = tokens.shape as [number, number, number];
  const grid = Math.round(Math.sqrt(N));
  const C = width / (patch * patch);
  return tokens
    .reshape([B, grid, grid, C, patch, patch])
    .permute([0, 3, 1, 4, 2, 5])
    .reshape([B, C, grid * patch, grid * patch]);
}
