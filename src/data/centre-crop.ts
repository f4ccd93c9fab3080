/** @file Pictures of any size made square and small: the middle of the picture, resized. */
import sharp from "sharp";
import type { Picture } from "../formats/images.js";

/** The largest square in the middle of a picture, at so many pixels a side. */
export async function centreCrop(picture: Picture, side: number): Promise<Picture> {
  const { width, height, data } = picture;
  if (width === side && height === side) return picture;
  const cropped = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: "cover", position: "centre", kernel: "cubic" })
    .raw()
    .toBuffer();
  return { width: side, height: side, data: cropped };
}
