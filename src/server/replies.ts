/** @file Pictures as replies carry them: PNGs that say what they were drawn from, or JPEG or WebP, in the text or at an address. */
import type { z } from "zod";
import { settled } from "../drawing-settings.js";
import type { Dream, GenerateOptions } from "../dream.js";
import type { DrawingProgress } from "../engine/protocol.js";
import { encodePicture, type Picture } from "../formats/images.js";
import { type DrawnFrom, encodeRecorded } from "../picture-record.js";
import type { Generation, imagesSchema } from "./protocol.js";

/** How a picture is written into a reply. */
export type Encoding = Pick<Generation, "response_format" | "output_format" | "output_compression">;

export type Drawn = Extract<DrawingProgress, { type: "picture" }>;

/** What was asked for, and how it is replied to. */
export interface Asked {
  readonly dream: Dream;
  readonly options: GenerateOptions;
  readonly kind: "generation" | "edit";
  readonly encoding: Encoding;
  /** Keeps a file for a while, and says where it can be had. */
  readonly address: (bytes: Uint8Array, format: string) => string;
}

/** What a picture was drawn from. */
export function drawnFrom({ dream, options, kind }: Asked, { seed }: Drawn): DrawnFrom {
  const { prompt = "", seed: _, count: __, previews: ___, signal: ____, ...settings } = options;
  const drawing = settled(settings, dream.info.drawing);
  return { prompt, seed, drawing, ...(kind === "edit" ? { edit: {} } : {}) };
}

/** A half-drawn picture. */
export const halfDrawnBase64 = async (
  picture: Picture,
  { output_format, output_compression }: Encoding,
): Promise<string> => base64(await encodePicture(picture, output_format, output_compression));

/** The file of a finished picture. */
export function fileOf(asked: Asked, drawn: Drawn): Promise<Uint8Array> {
  const { output_format, output_compression } = asked.encoding;
  if (output_format === "png") return encodeRecorded(drawn, drawnFrom(asked, drawn));
  return encodePicture(drawn.picture, output_format, output_compression);
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** What replies say of all pictures. */
export const commonOf = ({ info }: Dream, { output_format }: Encoding) =>
  ({
    size: `${info.sizePixels}x${info.sizePixels}`,
    output_format,
    background: "opaque",
  }) as const;

export async function imagesOf(asked: Asked, drawn: readonly Drawn[]): Promise<z.infer<typeof imagesSchema>> {
  const { dream, encoding, address } = asked;
  const data = await Promise.all(
    drawn.map(async (one) => {
      const { seed, candidateScores, chosen } = one;
      const told = { seed, candidate_scores: [...candidateScores], chosen };
      const bytes = await fileOf(asked, one);
      return encoding.response_format === "b64_json"
        ? { b64_json: base64(bytes), ...told }
        : { url: address(bytes, encoding.output_format), ...told };
    }),
  );
  return { created: Math.floor(Date.now() / 1000), data, ...commonOf(dream, encoding) };
}
