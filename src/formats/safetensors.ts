/**
 * @file The safetensors format: a length, a JSON header, and the tensors' bytes one after another. Bytes only; nothing here
 * knows of tensors in an engine. Reading opens the header and leaves the data on disk until it is asked for.
 */
import { closeSync, fstatSync } from "node:fs";
import { DreamError } from "../errors.js";
import { writeAtomically } from "./atomic.js";
import { openForReading, readAt, readFileBytes } from "./file-bytes.js";

/** Bytes of one element, by the format's names of types. */
export const elementBytes = {
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
  /** Those of one place along the first dimension. */
  rowBytes(row: number): Uint8Array;
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
  const descriptor = openForReading(path);
  try {
    const size = fstatSync(descriptor).size;
    const fail = (expected: string, got: string): DreamError => malformed(path, expected, got);
    if (size < 8) throw fail("at least 8 bytes", `${size} bytes`);
    const headerBytes = Number(new DataView(readAt(path, descriptor, 0, 8).buffer).getBigUint64(0, true));
    if (headerBytes > maximumHeaderBytes) throw fail("a header of at most 100 MB", `${headerBytes} bytes`);
    if (8 + headerBytes > size) throw fail(`a header of ${headerBytes} bytes`, `${size} bytes in all`);
    const dataStart = 8 + headerBytes;
    const header = parseHeader(readAt(path, descriptor, 8, headerBytes), fail);
    let metadata: Readonly<Record<string, string>> = {};
    const ranges: { readonly name: string; readonly begin: number; readonly end: number }[] = [];
    const tensors = new Map<string, SafetensorsEntry>();
    for (const [name, value] of Object.entries(header)) {
      if (name === "__metadata__") {
        // Not by assignment: a key may be called __proto__.
        const texts = Object.entries(value as Record<string, unknown>);
        metadata = Object.fromEntries(texts.map(([key, text]) => [key, String(text)]));
        continue;
      }
      const { dtype, shape, begin, end } = parseEntry(name, value, fail);
      if (dataStart + end > size)
        throw fail(`${dataStart + end} bytes for tensor '${name}'`, `${size} bytes: the file is truncated`);
      ranges.push({ name, begin, end });
      const rowLength = (end - begin) / (shape[0] ?? 1);
      tensors.set(name, {
        dtype,
        shape,
        bytes: () => readFileBytes(path, dataStart + begin, end - begin),
        rowBytes: (row) => readFileBytes(path, dataStart + begin + row * rowLength, rowLength),
      });
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

/**
 * Writes tensors in the order given, one at a time, atomically.
 * @param watch told every piece of the file as it is written, in order: for a checksum
 */
export async function writeSafetensors(
  path: string,
  sources: readonly SafetensorsSource[],
  metadata: Readonly<Record<string, string>> = {},
  watch: (piece: Uint8Array) => void = () => {},
): Promise<void> {
  const { header } = layOut(sources, metadata);
  await writeAtomically(path, async (file) => {
    watch(header);
    await file.writeFile(header);
    for (const { name, dtype, shape, bytes } of sources) {
      const data = bytes();
      const expected = bytesOf(dtype, shape);
      if (data.length !== expected)
        throw new Error(`internal: ${name} has ${data.length} bytes, not ${expected}`);
      watch(data);
      await file.writeFile(data);
    }
  });
}

/** Puts one row of a tensor, its elements at one place along the first dimension, into a file that is being written. */
export type PutRow = (name: string, row: number, bytes: Uint8Array) => Promise<void>;

/**
 * Writes tensors row by row, in any order, atomically: none is held in memory. Rows that are not put are zeros.
 * @param fill puts the rows
 */
export async function writeSafetensorsRows(
  path: string,
  tensors: readonly Pick<SafetensorsSource, "name" | "dtype" | "shape">[],
  metadata: Readonly<Record<string, string>>,
  fill: (put: PutRow) => Promise<void>,
): Promise<void> {
  const { header, begins, end } = layOut(tensors, metadata);
  const places = new Map(
    tensors.map(({ name, dtype, shape }, i) => [
      name,
      { begin: begins[i]!, rowLength: bytesOf(dtype, shape) / (shape[0] ?? 1) },
    ]),
  );
  await writeAtomically(path, async (file) => {
    await file.truncate(header.length + end);
    await file.write(header, 0, header.length, 0);
    await fill(async (name, row, bytes) => {
      const place = places.get(name);
      if (place === undefined || bytes.length !== place.rowLength)
        throw new Error(`internal: ${name} takes rows of ${place?.rowLength} bytes, not ${bytes.length}`);
      await file.write(bytes, 0, bytes.length, header.length + place.begin + row * place.rowLength);
    });
  });
}

const bytesOf = (dtype: SafetensorsDType, shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, elementBytes[dtype]);

/** A file's length and header, and where each tensor's data begin and all of them end, counted from the header's end. */
function layOut(
  tensors: readonly Pick<SafetensorsSource, "name" | "dtype" | "shape">[],
  metadata: Readonly<Record<string, string>>,
): { readonly header: Buffer; readonly begins: readonly number[]; readonly end: number } {
  const entries: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) entries.__metadata__ = metadata;
  const begins: number[] = [];
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    begins.push(end);
    entries[name] = { dtype, shape, data_offsets: [end, end + bytesOf(dtype, shape)] };
    end += bytesOf(dtype, shape);
  }
  const text = Buffer.from(JSON.stringify(entries), "utf8");
  const header = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, " ");
  header.writeBigUInt64LE(BigInt(header.length - 8));
  text.copy(header, 8);
  return { header, begins, end };
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
  const length = bytesOf(dtype as SafetensorsDType, shape);
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
