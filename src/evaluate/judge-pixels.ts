/** @file Pictures as a frozen model of another's takes them: resized, cut and normalised as its preprocessor says, with Pillow's arithmetic. */
import { type Resize, resample } from "../data/resample.js";
import { DreamError } from "../errors.js";
import { bytesOf } from "../features/pixels.js";
import type { Picture } from "../formats/images.js";
import { normaliseBytes, type PicturePreparation } from "../models/frozen/preprocessing.js";
import { scope, type Tensor } from "../tensor/index.js";

/**
 * @param pictures of any sizes that come out alike
 * @returns float32 [B, 3, H, W]
 * @throws DreamError `shape` where a picture is smaller than what is cut from it
 */
export function judgePixels(pictures: readonly Picture[], preparation: PicturePreparation): Tensor {
  return scope(() =>
    normaliseBytes(bytesOf(pictures.map((picture) => middleOf(picture, preparation))), preparation),
  );
}

function middleOf(
  picture: Picture,
  { shortestEdge, resample: kernel, cropSize }: PicturePreparation,
): Picture {
  const { width, height } = picture;
  // As transformers: the longer edge is cut to a whole number.
  const scaled = (edge: number): number =>
    shortestEdge === null ? edge : Math.floor((shortestEdge * edge) / Math.min(width, height));
  const size = { width: scaled(width), height: scaled(height) };
  const wanted = cropSize === null ? size : { width: cropSize, height: cropSize };
  if (wanted.width > size.width || wanted.height > size.height)
    throw new DreamError("shape", {
      operation: "prepare pictures for a judge",
      expected: `pictures of ${wanted.width} x ${wanted.height} or more, which is what it sees`,
      got: `${size.width} x ${size.height}`,
    });
  const steps: Resize[] = shortestEdge === null ? [] : [{ ...size, kernel }];
  return resample(picture, { left: 0, top: 0, width, height }, steps, {
    left: Math.floor((size.width - wanted.width) / 2),
    top: Math.floor((size.height - wanted.height) / 2),
    ...wanted,
  });
}
