/** @file The part of a picture that a model is shown, and how it is made from plain numbers, so that any thread makes the same. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Picture } from "../formats/images.js";
import { centreCrop } from "./centre-crop.js";
import { type CropRange, drawCrop, flipped, resizedCrop } from "./random-resized-crop.js";
import type { OwnPicture } from "./resample.js";

/** A square of a picture: its middle, or a random part that the seed decides; or the mirror image of one. */
export type View =
  | { readonly kind: "centre" | "centre-flipped" }
  | {
      readonly kind: "random-resized" | "random-resized-flipped";
      readonly range: CropRange;
      /** 32 bits */
      readonly seed: number;
    };

/** @param side of the square, in pixels */
export function viewOf(picture: Picture, view: View, side: number): OwnPicture {
  switch (view.kind) {
    case "centre":
      return centreCrop(picture, side);
    case "centre-flipped":
      return flipped(centreCrop(picture, side));
    case "random-resized":
      return randomPart(picture, view.range, view.seed, side);
    case "random-resized-flipped":
      return flipped(randomPart(picture, view.range, view.seed, side));
  }
}

function randomPart(picture: Picture, range: CropRange, seed: number, side: number): OwnPicture {
  const generator = xoroshiro128plus(seed | 0);
  const uniform = (): number => uniformInt(generator, 0, 0xffffffff) / 2 ** 32;
  return resizedCrop(picture, drawCrop(picture, range, uniform), side);
}
