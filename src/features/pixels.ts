/** @file Pictures as tensors of pixels, and back. */
import { DreamError } from "../errors.js";
import type { Picture } from "../formats/images.js";
import { scope, type Tensor, tensorFromBytes } from "../tensor/index.js";

/** Pictures of one size as pixels. @returns float32 [B, 3, H, W], -1..1 */
export function pixelsOf(pictures: readonly Picture[]): Tensor {
  return scope(() => bytesOf(pictures).to({ dtype: "float32" }).div(127.5).sub(1).contiguous());
}

/** Pictures of one size as their bytes. @returns uint8 [B, 3, H, W] */
export function bytesOf(pictures: readonly Picture[]): Tensor {
  const [first] = pictures;
  if (first === undefined)
    throw new DreamError("value", {
      operation: "read pixels",
      expected: "at least one picture",
      got: "none",
    });
  const { width, height } = first;
  const bytes = new Uint8Array(pictures.length * width * height * 3);
  for (const [i, picture] of pictures.entries()) {
    if (picture.width !== width || picture.height !== height)
      throw new DreamError("shape", {
        operation: "read pixels",
        expected: `pictures of ${width} x ${height} like the first`,
        got: `${picture.width} x ${picture.height}`,
      });
    bytes.set(picture.data, i * width * height * 3);
  }
  return scope(() =>
    tensorFromBytes(bytes, [pictures.length, height, width, 3], "uint8").permute([0, 3, 1, 2]),
  );
}

/** Loaded samples' squares as pixels. @param side of the squares @returns float32 [B, 3, side, side], -1..1 */
export function squaresOf(samples: readonly { readonly pixels: Uint8Array }[], side: number): Tensor {
  return pixelsOf(samples.map(({ pixels }) => ({ width: side, height: side, data: pixels })));
}

/** @param pixels [B, 3, H, W]; what lies outside -1..1 is cut */
export function picturesOf(pixels: Tensor): Picture[] {
  const [B, , height, width] = pixels.shape as [number, number, number, number];
  const bytes = scope(() =>
    pixels
      .clamp(-1, 1)
      .add(1)
      .mul(127.5)
      .round()
      .to({ dtype: "uint8" })
      .permute([0, 2, 3, 1])
      .contiguous()
      .toBytes(),
  );
  const size = width * height * 3;
  return Array.from({ length: B }, (_, i) => ({
    width,
    height,
    data: bytes.slice(i * size, (i + 1) * size),
  }));
}
