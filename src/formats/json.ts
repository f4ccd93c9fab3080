/** @file JSON from strangers: bounded in size and depth before it is parsed. */
import { DreamError } from "../errors.js";

/** Longer texts are refused. */
export const maximumJsonBytes = 1 << 20;

/** Deeper nesting is refused. */
const maximumDepth = 64;

/**
 * Parses a stranger's JSON.
 * @param source what it is called in errors
 * @throws DreamError `format` where it is no JSON, longer than 1 MiB, or nested more than 64 deep
 */
export function parseForeignJson(bytes: Uint8Array, source: string): unknown {
  const refuse = (got: string, cause?: unknown): DreamError =>
    new DreamError("format", {
      operation: `read ${source}`,
      expected: `JSON of at most ${maximumJsonBytes} bytes and ${maximumDepth} levels`,
      got,
      cause,
    });
  if (bytes.length > maximumJsonBytes) throw refuse(`${bytes.length} bytes`);
  if (depthOf(bytes) > maximumDepth) throw refuse("more levels");
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** How deep brackets stand in one another, outside of strings. */
function depthOf(bytes: Uint8Array): number {
  let [depth, deepest, isString] = [0, 0, false];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (isString) {
      if (byte === backslash) i++;
      else if (byte === quote) isString = false;
    } else if (byte === quote) isString = true;
    else if (byte === brace || byte === bracket) deepest = Math.max(deepest, ++depth);
    else if (byte === brace + 2 || byte === bracket + 2) depth--;
  }
  return deepest;
}

/** Each closing bracket comes two after its opening one. */
const [quote, backslash, brace, bracket] = [0x22, 0x5c, 0x7b, 0x5b];
