/** @file A picture's file to pixels, the short way where there is one. */
import { decodePicture, maximumPixels, type Picture } from "../formats/images.js";
import { native } from "../tensor/native.js";

/**
 * Decodes as `decodePicture` does, bit for bit. An ordinary JPEG goes straight through libjpeg where the addon has it, in the
 * calling thread and in half the time; everything else, damage too, is left to `decodePicture`.
 * @throws DreamError `format` as `decodePicture` does
 */
export async function decodeQuickly(bytes: Uint8Array, source: string): Promise<Picture> {
  const decoded = bytes[0] === 0xff ? native.decodeJpeg(bytes, maximumPixels) : null;
  if (decoded === null) return decodePicture(bytes, source);
  const [width, height, rgb] = decoded;
  return { width, height, data: new Uint8Array(rgb) };
}
