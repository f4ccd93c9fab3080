/**
 * @file The safetensors format: a length, a JSON header, and the tensors' bytes one after another. Bytes only; nothing here
 * knows of tensors in an engine. Reading opens the header and leaves the data on disk until it is asked for.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DreamError } from "../errors.js";
import { writeAtomically } from "./atomic.js";

const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

/** Element types by the format's names. */
export type SafetensorsDType = keyof typeof elementBytes;

/** One tensor of a file. */
export interface SafetensorsEntry {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** The elements, row-major and little endian, read from disk now. */
  bytes(): Uint8Array;
}

/** An open file's content. */
export interface SafetensorsFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
}

/** A tensor to be written; its bytes are asked for when its turn comes. */
export interface SafetensorsSource {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly bytes: () => Uint8Array;
}

/** Larger headers are refused, as in the reference implementation. */
const maximumHeaderBytes = 100_000_000;

/**
 * Opens a file and checks all of its header against its size.
 * @throws DreamError `io` where it cannot be read, `format` where it is truncated or not what it claims to be
 */
export function openSafetensors(path: string): SafetensorsFile {
  const descriptor = openFile(path);
  try {
    const size = fstatSync(descriptor).size;
    const fail = (expected: string, got: string): DreamError => malformed(path, expected, got);
    if (size < 8) throw fail("at least 8 bytes", `${size} bytes`);
    const headerBytes = Number(new DataView(read(path, descriptor, 0, 8).buffer).getBigUint64(0, true));
    if (headerBytes > maximumHeaderBytes) throw fail("a header of at most 100 MB", `${headerBytes} bytes`);
    if (8 + headerBytes > size) throw fail(`a header of ${headerBytes} bytes`, `${size} bytes in all`);
    const dataStart = 8 + headerBytes;
    const header = parseHeader(read(path, descriptor, 8, headerBytes), fail);
    const metadata: Record<string, string> = {};
    const ranges: { readonly name: string; readonly begin: number; readonly end: number }[] = [];
    const tensors = new Map<string, SafetensorsEntry>();
    for (const [name, value] of Object.entries(header)) {
      if (name === "__metadata__") {
        for (const [key, text] of Object.entries(value as Record<string, unknown>))
          metadata[key] = String(text);
        continue;
      }
      const { dtype, shape, begin, end } = parseEntry(name, value, fail);
      if (dataStart + end > size)
        throw fail(`${dataStart + end} bytes for tensor '${name}'`, `${size} bytes: the file is truncated`);
      ranges.push({ name, begin, end });
      tensors.set(name, { dtype, shape, bytes: () => readOnce(path, dataStart + begin, end - begin) });
    }
    ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
    let at = 0;
    for (const { name, begin, end } of ranges) {
      if (begin !== at) throw fail(`tensor '${name}' to begin at ${at}`, `${begin}`);
      at = end;
    }
    if (dataStart + at !== size) throw fail(`${dataStart + at} bytes`, `${size} bytes`);
    return { path, metadata, tensors };
  } finally {
    closeSync(descriptor);
  }
}

/** Writes tensors in the order given, one at a time, atomically. */
export async function writeSafetensors(
  path: string,
  sources: readonly SafetensorsSource[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let at = 0;
  for (const { name, dtype, shape } of sources) {
    const length = shape.reduce((product, size) => product * size, elementBytes[dtype]);
    header[name] = { dtype, shape, data_offsets: [at, at + length] };
    at += length;
  }
  const text = Buffer.from(JSON.stringify(header), "utf8");
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, " ");
  text.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeAtomically(path, async (file) => {
    await file.writeFile(length);
    await file.writeFile(padded);
    for (const { name, dtype, shape, bytes } of sources) {
      const data = bytes();
      const expected = shape.reduce((product, size) => product * size, elementBytes[dtype]);
      if (data.length !== expected)
        throw new Error(`internal: ${name} has ${data.length} bytes, not ${expected}`);
      await file.writeFile(data);
    }
  });
}

type Fail = (expected: string, got: string) => DreamError;

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw fail("a JSON header", cause instanceof Error ? cause.message : String(cause));
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw fail("a JSON object as header", JSON.stringify(header).slice(0, 40));
  return header as Record<string, unknown>;
}

function parseEntry(name: string, value: unknown, fail: Fail) {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(elementBytes, dtype))
    throw fail(
      `tensor '${name}' to have a dtype of ${Object.keys(elementBytes).join(", ")}`,
      JSON.stringify(dtype),
    );
  if (!isWholeNumbers(shape)) throw fail(`tensor '${name}' to have a shape`, JSON.stringify(shape));
  if (!isWholeNumbers(offsets) || offsets.length !== 2)
    throw fail(`tensor '${name}' to have two data_offsets`, JSON.stringify(offsets));
  const [begin, end] = offsets as [number, number];
  const length = shape.reduce((product, size) => product * size, elementBytes[dtype as SafetensorsDType]);
  if (end - begin !== length)
    throw fail(`${length} bytes for tensor '${name}' (${dtype} [${shape.join(", ")}])`, `${end - begin}`);
  return { dtype: dtype as SafetensorsDType, shape, begin, end };
}

function isWholeNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function malformed(path: string, expected: string, got: string): DreamError {
  return new DreamError("format", {
    operation: `read ${path}`,
    expected,
    got,
    hint: "the file is damaged or no safetensors file; copy or download it again",
  });
}

function openFile(path: string): number {
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

function readOnce(path: string, offset: number, length: number): Uint8Array {
  const descriptor = openFile(path);
  try {
    return read(path, descriptor, offset, length);
  } finally {
    closeSync(descriptor);
  }
}

/** The most that one read call takes. */
const chunkBytes = 1 << 30;

function read(path: string, descriptor: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const count = readSync(descriptor, bytes, done, Math.min(length - done, chunkBytes), offset + done);
    if (count === 0) throw malformed(path, `${offset + length} bytes`, `${offset + done} bytes`);
    done += count;
  }
  return bytes;
}
