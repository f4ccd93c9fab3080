/** @file Pictures that somebody brings: what they say of themselves, and the part of them that the model takes. */
import type { DrawnRecord } from "../../../src/server/studio-protocol.js";
import { askFor, Refusal, sending } from "../api.js";
import { base64Of } from "../shown-picture.js";

/** What a file was drawn from; null where it does not say. @throws Refusal where the server does not tell */
export async function recordOf(file: Blob): Promise<DrawnRecord | null> {
  // Only PNGs carry it.
  if (file.type !== "image/png") return null;
  const image = await base64Of(file);
  return askFor<DrawnRecord>("/v1/records", sending({ image })).catch((error: unknown) => {
    if (error instanceof Refusal && error.status === 400) return null;
    throw error;
  });
}

/** The middle of a picture, as the model takes it, as base64. @param side pixels @throws Error where it cannot be read */
export async function squareOf(file: Blob, side: number): Promise<string> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("this file is no picture that the browser can read");
  });
  const square = new OffscreenCanvas(side, side);
  const scale = side / Math.min(bitmap.width, bitmap.height);
  const context = square.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  context.drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
  bitmap.close();
  return base64Of(await square.convertToBlob({ type: "image/png" }));
}
