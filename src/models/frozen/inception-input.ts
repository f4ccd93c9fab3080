/**
 * @file Pictures as the Inception network takes them: resized to 299 x 299 as TensorFlow 1 did (`resize_bilinear` without aligned
 * corners: no half pixel, no smoothing when pictures shrink), which FID depends on.
 */
import { arange, type Device, scope, type Tensor } from "../../tensor/index.js";

const side = 299;

/** @param images uint8 [B, 3, H, W] @returns float32 [B, 3, 299, 299], -1..1 */
export function inceptionInput(images: Tensor): Tensor {
  return scope(() => {
    const [, , H, W] = images.shape as [number, number, number, number];
    const rows = placesIn(H, images.device);
    const columns = placesIn(W, images.device);
    const pixels = images.to({ dtype: "float32" });
    const line = (at: Tensor): Tensor => {
      const whole = pixels.indexSelect(2, at);
      const left = whole.indexSelect(3, columns.below);
      return left.add(whole.indexSelect(3, columns.above).sub(left).mul(columns.share));
    };
    const upper = line(rows.below);
    return line(rows.above).sub(upper).mul(rows.share.unsqueeze(1)).add(upper).sub(128).div(128);
  });
}

/** Between which two of `size` places each of the 299 lies, and how near to the second, 0..1. */
function placesIn(size: number, device: Device) {
  const at = arange(0, side, 1, { dtype: "float32", device }).mul(size / side);
  const below = at.to({ dtype: "int64" });
  return { below, above: below.add(1).clamp(null, size - 1), share: at.sub(below.to({ dtype: "float32" })) };
}
