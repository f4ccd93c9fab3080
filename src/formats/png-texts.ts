/** @file Texts inside PNGs: iTXt chunks (PNG specification, third edition, 11.3.3.4), uncompressed, in UTF-8. */
import { crc32 } from "./crc32.js";

const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** The signature and the IHDR chunk, which come first. */
const headBytes = 33;

/** The same file with texts in it. @param texts keywords (Latin, at most 79 letters) and their text */
export function withTexts(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array {
  const chunks = Object.entries(texts).map(([keyword, text]) => internationalText(keyword, text));
  return Buffer.concat([png.subarray(0, headBytes), ...chunks, png.subarray(headBytes)]);
}

/** The texts of a PNG by their keywords; none of a file that is no PNG, and those before the damage of one that is cut short. */
export function textsIn(bytes: Uint8Array): Record<string, string> {
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: Record<string, string> = {};
  if (!png.subarray(0, signature.length).equals(signature)) return texts;
  for (let at = signature.length; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 8, at + 8 + length);
    if (body.length < length || png.toString("latin1", at + 4, at + 8) === "IEND") break;
    if (png.toString("latin1", at + 4, at + 8) === "iTXt") {
      const told = textOf(body);
      if (told !== null) texts[told.keyword] = told.text;
    }
    at += 12 + length;
  }
  return texts;
}

/** Null where it is compressed, or its fields do not end. */
function textOf(body: Buffer): { readonly keyword: string; readonly text: string } | null {
  const keywordEnd = body.indexOf(0);
  const languageEnd = body.indexOf(0, keywordEnd + 3);
  const translationEnd = body.indexOf(0, languageEnd + 1);
  if (keywordEnd < 1 || body[keywordEnd + 1] !== 0 || languageEnd < 0 || translationEnd < 0) return null;
  return {
    keyword: body.toString("latin1", 0, keywordEnd),
    text: body.toString("utf8", translationEnd + 1),
  };
}

function internationalText(keyword: string, text: string): Buffer {
  const body = Buffer.concat([Buffer.from(`iTXt${keyword}\0\0\0\0\0`, "latin1"), Buffer.from(text, "utf8")]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(body.length - 4);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}
