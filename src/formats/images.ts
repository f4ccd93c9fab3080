/** @file Pictures as bytes: JPEG, PNG and WebP to RGB, and RGB to PNG with text inside. */
import sharp, { type Sharp } from "sharp";
import { DreamError } from "../errors.js";
import { inksToRgb, jpegComponents } from "./cmyk.js";
import { withTexts } from "./png-texts.js";

/** RGB, row by row, 8 bits a channel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** width x height x 3 */
  readonly data: Uint8Array;
}

/** Larger pictures are refused before they are decoded. */
export const maximumPixels = 100_000_000;

/**
 * Decodes a JPEG, PNG or WebP file's bytes as Pillow's `Image.open(file).convert("RGB")` does, which is what training code does:
 * colour profiles are ignored, transparency is dropped, and a picture that its EXIF calls turned stays as it is stored.
 * DEVIATION: grey PNGs of 16 bits keep their upper 8; Pillow makes all that is above 255 white.
 * @param source what the picture is called in errors
 * @throws DreamError `format` for another format, a damaged file, or more than 100 megapixels
 */
export async function decodePicture(bytes: Uint8Array, source: string): Promise<Picture> {
  const operation = `decode ${source}`;
  const kind = kindOf(bytes);
  if (kind === undefined)
    throw new DreamError("format", {
      operation,
      expected: "a JPEG, PNG or WebP picture",
      got:
        bytes.length === 0
          ? "no bytes"
          : `bytes beginning ${Buffer.from(bytes.subarray(0, 4)).toString("hex")}`,
    });
  try {
    const image = sharp(bytes, { ignoreIcc: true, limitInputPixels: maximumPixels, failOn: "error" });
    if (kind === "jpeg" && jpegComponents(bytes) === 4) return await decodeInks(image);
    const { data, info } = await image
      .toColourspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", {
      operation,
      message,
      hint: "the picture is damaged or too large; leave it out",
      cause,
    });
  }
}

/**
 * Decodes a mask: what is to be marked is light. Where some pixels of the file are transparent, those are meant, and colours say nothing.
 * @throws DreamError `format` as {@link decodePicture} does
 */
export async function decodeMask(bytes: Uint8Array, source: string): Promise<Picture> {
  const picture = await decodePicture(bytes, source);
  const image = sharp(bytes, { limitInputPixels: maximumPixels, failOn: "error" });
  const { hasAlpha } = await image.metadata();
  if (!hasAlpha) return picture;
  const { width, height } = picture;
  const opacity = await image.extractChannel("alpha").toColourspace("b-w").raw().toBuffer();
  if (opacity.every((value) => value === 255)) return picture;
  const data = new Uint8Array(3 * opacity.length);
  for (const [at, value] of opacity.entries()) data.fill(255 - value, 3 * at, 3 * at + 3);
  return { width, height, data };
}

async function decodeInks(image: Sharp): Promise<Picture> {
  const { data, info } = await image
    .pipelineColourspace("cmyk")
    .toColourspace("cmyk")
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 4) throw new Error(`expected four inks, got ${info.channels}`);
  return { width: info.width, height: info.height, data: inksToRgb(data) };
}

function kindOf(bytes: Uint8Array): "jpeg" | "png" | "webp" | undefined {
  const begins = (text: string, at = 0): boolean =>
    Buffer.from(bytes.subarray(at, at + text.length)).toString("latin1") === text;
  if (begins("\xff\xd8\xff")) return "jpeg";
  if (begins("\x89PNG\r\n\x1a\n")) return "png";
  if (begins("RIFF") && begins("WEBP", 8)) return "webp";
  return undefined;
}

/** A picture's width and height, without decoding it. @throws DreamError `format` where it is none */
export async function pictureSize(
  bytes: Uint8Array,
  source: string,
): Promise<{ readonly width: number; readonly height: number }> {
  try {
    const { width, height } = await sharp(bytes).metadata();
    return { width, height };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", { operation: `read ${source}`, message, cause });
  }
}

/** Encodes a PNG; the same picture and texts give the same bytes. @param texts keywords (Latin, at most 79 letters) and their text */
export async function encodePng(
  { width, height, data }: Picture,
  texts: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const plain = await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
  return Object.keys(texts).length === 0 ? plain : withTexts(plain, texts);
}

/** A file of a picture. @param quality of a JPEG or WebP, 0..100 */
export async function encodePicture(
  picture: Picture,
  format: "png" | "jpeg" | "webp",
  quality: number,
): Promise<Uint8Array> {
  if (format === "png") return encodePng(picture);
  const { width, height, data } = picture;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .toFormat(format, { quality })
    .toBuffer();
}

/** One number for each pixel, 8 or 16 bits. */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  /** width x height */
  readonly data: Uint8Array | Uint16Array;
}

/** Encodes a greyscale PNG without loss, as deep as the numbers are. */
export async function encodeGrey({ width, height, data }: GreyPicture): Promise<Uint8Array> {
  const image = sharp(data, { raw: { width, height, channels: 1 } });
  const space = data instanceof Uint16Array ? "grey16" : "b-w";
  return image.toColourspace(space).png({ compressionLevel: 6 }).toBuffer();
}

/** Decodes a greyscale PNG. @throws DreamError `format` where it is damaged or has colours */
export async function decodeGrey(bytes: Uint8Array, source: string): Promise<GreyPicture> {
  try {
    const image = sharp(bytes, { limitInputPixels: maximumPixels, failOn: "error" });
    const { depth } = await image.metadata();
    const deep = depth === "ushort";
    const { data, info } = await image
      .toColourspace(deep ? "grey16" : "b-w")
      .raw({ depth: deep ? "ushort" : "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 1) throw new Error(`expected one channel, got ${info.channels}`);
    const { width, height } = info;
    return {
      width,
      height,
      data: deep ? new Uint16Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length)) : data,
    };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", { operation: `decode ${source}`, message, cause });
  }
}
