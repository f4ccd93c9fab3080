/**
 * @file NumPy's arrays of numbers, a `.npy` each. Arrays of objects hold pickles, which are code, and are refused. Format: NumPy Enhancement
 * Proposal 1, versions 1 to 3.
 */
import { DreamError } from "../errors.js";

/** An array of numbers, the last index fastest. */
export interface NumberArray {
  readonly shape: readonly number[];
  readonly data: Float64Array | Float32Array | Uint8Array | Int32Array | BigInt64Array;
}

/** By the type's letters, little-endian or of one byte. */
const kinds = {
  "<f8": Float64Array,
  "<f4": Float32Array,
  "<i8": BigInt64Array,
  "<i4": Int32Array,
  "|u1": Uint8Array,
} as const;
export type NumberKind = keyof typeof kinds;

/** What an array's header says. */
export interface NpyLayout {
  readonly kind: NumberKind;
  readonly shape: readonly number[];
  /** Whether the first index is the fastest in the file; only where there are two. */
  readonly columnsFirst: boolean;
  /** Where the numbers begin. */
  readonly start: number;
}

const magic = Buffer.from("\x93NUMPY", "latin1");
/** Longer headers are none that an array of numbers needs. */
export const maximumHeaderBytes = 65_536;

/**
 * @param bytes the file, or as much of it as {@link maximumHeaderBytes} @param where names the file for errors
 * @throws DreamError `format` where it is no array, or none of numbers as listed
 */
export function npyLayout(bytes: Uint8Array, where: string): NpyLayout {
  const fail = (expected: string, got: string): DreamError =>
    new DreamError("format", {
      operation: `read ${where}`,
      expected,
      got,
      hint: "save it again as numpy.ascontiguousarray(array, '<f8')",
    });
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || !buffer.subarray(0, 6).equals(magic))
    throw fail("a NumPy array", `${buffer.length} other bytes`);
  const version = buffer[6]!;
  if (version < 1 || version > 3) throw fail("a NumPy array of version 1 to 3", `version ${version}`);
  const [begin, length] = version === 1 ? [10, buffer.readUInt16LE(8)] : [12, buffer.readUInt32LE(8)];
  const start = begin + length;
  if (start > Math.min(buffer.length, maximumHeaderBytes))
    throw fail(`a header of ${length} bytes`, `${buffer.length - begin}`);
  const header = buffer.toString("latin1", begin, start);
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const sides = /'shape':\s*\(([\d\s,L]*)\)/.exec(header)?.[1];
  if (descr?.includes("O")) throw fail("numbers", "objects, which are pickled and never read");
  if (descr === undefined || order === undefined || sides === undefined)
    throw fail(
      "a header with descr of one kind, fortran_order and shape",
      JSON.stringify(header.trim().slice(0, 120)),
    );
  if (!isKnown(descr)) throw fail(`numbers as ${Object.keys(kinds).join(", ")}`, descr);
  const shape = sides
    .split(",")
    .map((side) => side.trim().replace("L", ""))
    .filter((side) => side !== "")
    .map(Number);
  const columnsFirst = order === "True" && shape.length > 1;
  if (columnsFirst && shape.length > 2)
    throw fail("rows first where there are more than two sides", `columns first, ${shape.join(" x ")}`);
  return { kind: descr, shape, columnsFirst, start };
}

function isKnown(descr: string): descr is NumberKind {
  return Object.hasOwn(kinds, descr);
}

/** How many bytes an array's numbers take. */
export function numbersBytes({ kind, shape }: Pick<NpyLayout, "kind" | "shape">): number {
  return shape.reduce((product, side) => product * side, 1) * kinds[kind].BYTES_PER_ELEMENT;
}

/** @param bytes the whole file @param where names it for errors @throws DreamError `format`, as {@link npyLayout}, and where it is cut short */
export function parseNpy(bytes: Uint8Array, where: string): NumberArray {
  const layout = npyLayout(bytes, where);
  const length = numbersBytes(layout);
  if (bytes.length - layout.start !== length)
    throw new DreamError("format", {
      operation: `read ${where}`,
      expected: `${length} bytes of numbers, shape ${layout.shape.join(" x ")}`,
      got: String(bytes.length - layout.start),
      hint: "the file is cut short; copy or download it again",
    });
  const array = numbersOf(bytes.subarray(layout.start), layout);
  return layout.columnsFirst ? { shape: array.shape, data: rowsFirst(array) } : array;
}

/** Numbers from their bytes, in the order in which they lie. */
export function numbersOf(
  bytes: Uint8Array,
  { kind, shape }: Pick<NpyLayout, "kind" | "shape">,
): NumberArray {
  // Of their own, so that they begin where such numbers may.
  return { shape, data: new kinds[kind](new Uint8Array(bytes).buffer) };
}

function rowsFirst({ shape, data }: NumberArray): NumberArray["data"] {
  const [rows, columns] = shape as [number, number];
  const turned = data.slice();
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) turned[i * columns + j] = data[j * rows + i]!;
  return turned;
}

/** The bytes of a `.npy` of version 1. */
export function npyBytes({ shape, data }: NumberArray): Uint8Array {
  const [descr] = Object.entries(kinds).find(([, Numbers]) => data instanceof Numbers)!;
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const said = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sides}), }`;
  const padded = `${said.padEnd(Math.ceil((said.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.alloc(10);
  magic.copy(start);
  start[6] = 1;
  start.writeUInt16LE(padded.length, 8);
  return Buffer.concat([
    start,
    Buffer.from(padded, "latin1"),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
}
