/** @file Pictures that a command is given by path. */
import { readFileSync } from "node:fs";
import { centreCrop } from "../data/centre-crop.js";
import { DreamError } from "../errors.js";
import { decodeMask, decodePicture, type Picture } from "../formats/images.js";

/** The middle of a picture. @param side of the square, in pixels @throws DreamError `io` or `format` naming the file */
export const readSquare = async (path: string, side: number): Promise<Picture> =>
  centreCrop(await decodePicture(read(path), path), side);

/** The middle of a mask, light where it marks something. @throws DreamError as {@link readSquare} does */
export const readSquareMask = async (path: string, side: number): Promise<Picture> =>
  centreCrop(await decodeMask(read(path), path), side);

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, hint: "check the path", cause });
  }
}
