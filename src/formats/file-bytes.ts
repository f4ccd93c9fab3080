/** @file Bytes of files, read from where they lie. */
import { constants } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";
import { DreamError } from "../errors.js";

/** @returns a descriptor, to be closed by the caller @throws DreamError `io` */
export function openForReading(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new DreamError("io", {
      operation: `read ${path}`,
      message: cause instanceof Error ? cause.message : String(cause),
      hint: "check the path",
      cause,
    });
  }
}

/** The most that one read call takes. */
const chunkBytes = 1 << 30;

/** Reads from an open file. @throws DreamError `format` where the file ends before, or so many bytes cannot be held at once */
export function readAt(path: string, descriptor: number, offset: number, length: number): Uint8Array {
  if (length > constants.MAX_LENGTH)
    throw new DreamError("format", {
      operation: `read ${path}`,
      expected: `at most ${constants.MAX_LENGTH} bytes at once`,
      got: `${length}`,
      hint: "a newer Node may hold more",
    });
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, bytes, done, Math.min(length - done, chunkBytes), offset + done);
    if (count === 0)
      throw new DreamError("format", {
        operation: `read ${path}`,
        expected: `${offset + length} bytes`,
        got: `${offset + done} bytes`,
        hint: "the file is cut short; copy or download it again",
      });
    done += count;
  }
  return bytes;
}

/** Opens, reads and closes. @throws DreamError `io` or `format`, as {@link openForReading} and {@link readAt} */
export function readFileBytes(path: string, offset: number, length: number): Uint8Array {
  const descriptor = openForReading(path);
  try {
    return readAt(path, descriptor, offset, length);
  } finally {
    closeSync(descriptor);
  }
}
