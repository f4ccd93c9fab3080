/** @file What is to be drawn anew, as the server takes it: a picture that is white there. */
import { squareAt } from "./half-drawn-picture.js";

/** @param marked tokens, by their places @param cells of a side @param side of the picture, in pixels */
export function maskOf(marked: ReadonlySet<number>, cells: number, side: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "black";
  context.fillRect(0, 0, side, side);
  context.fillStyle = "white";
  for (const place of marked) context.fillRect(...squareAt(place, cells, side));
  return canvas.convertToBlob({ type: "image/png" });
}

export const pictureBlob = async (base64: string): Promise<Blob> =>
  new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: "image/png" });
