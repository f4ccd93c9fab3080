/** @file Pictures that a command is given by path. */
import { readFileSync } from "node:fs";
import { centreCrop } from "../data/centre-crop.js";
import { DreamError } from "../errors.js";
import { decodePicture, type Picture } from "../formats/images.js";

/** The middle of a picture. @param side of the square, in pixels @throws DreamError `io` or `format` naming the file */
export async function readSquare(path: string, side: number): Promise<Picture> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, hint: "check the path", cause });
  }
  return centreCrop(await decodePicture(bytes, path), side);
}
