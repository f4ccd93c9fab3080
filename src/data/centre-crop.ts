/**
 * @file The middle of a picture at the size that a model takes: ADM's centre crop (`guided_diffusion/image_datasets.py`), which
 * MAR, Fluid and DREAM's own release use too.
 */
import type { Picture } from "../formats/images.js";
import { type OwnPicture, type Resize, resample, type Window } from "./resample.js";

/**
 * Halves with a box filter while the short side is at least twice the target, resizes it to the target with a bicubic one, and
 * cuts out the middle.
 * @param side of the square, in pixels
 */
export function centreCrop(picture: Picture, side: number): OwnPicture {
  const { steps, wanted } = planCrop(picture, side);
  return resample(picture, { left: 0, top: 0, width: picture.width, height: picture.height }, steps, wanted);
}

/** The sizes on the way, and which part of the last one is the middle. */
export function planCrop(
  picture: Pick<Picture, "width" | "height">,
  side: number,
): { readonly steps: readonly Resize[]; readonly wanted: Window } {
  const steps: Resize[] = [];
  let { width, height } = picture;
  while (Math.min(width, height) >= 2 * side) {
    [width, height] = [Math.floor(width / 2), Math.floor(height / 2)];
    steps.push({ width, height, kernel: "box" });
  }
  const scale = side / Math.min(width, height);
  const final = { width: roundHalfEven(width * scale), height: roundHalfEven(height * scale) };
  steps.push({ ...final, kernel: "bicubic" });
  const wanted = {
    left: Math.floor((final.width - side) / 2),
    top: Math.floor((final.height - side) / 2),
    width: side,
    height: side,
  };
  return { steps, wanted };
}

/** Rounds as Python does: a half goes to the even neighbour. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
