/** @file Several NumPy arrays by name in a zip archive (`.npz`), stored or deflated, as `numpy.savez` and `savez_compressed` write them. */
import { inflateRawSync } from "node:zlib";
import { DreamError } from "../errors.js";
import { writeAtomically } from "./atomic.js";
import { crc32 } from "./crc32.js";
import { readFileBytes } from "./file-bytes.js";
import {
  maximumHeaderBytes,
  type NumberArray,
  npyBytes,
  npyLayout,
  numbersBytes,
  numbersOf,
  parseNpy,
} from "./npy.js";
import { indexZip, type StoredEntry } from "./zip-directory.js";
import { writeStoredZip } from "./zip-writer.js";

/** An array of which some rows are read at a time. */
export interface ArrayRows {
  readonly shape: readonly number[];
  /** @returns [count, ...the other sides] @throws DreamError `value` where there are none such */
  read(first: number, count: number): NumberArray;
}

const ending = ".npy";

export class NpzFile {
  private constructor(
    readonly path: string,
    readonly entries: ReadonlyMap<string, StoredEntry>,
  ) {}

  /** @throws DreamError `io` where it cannot be opened, `format` where it is no archive or damaged */
  static async open(path: string): Promise<NpzFile> {
    return new NpzFile(path, await indexZip(path));
  }

  get names(): readonly string[] {
    return [...this.entries.keys()]
      .filter((name) => name.endsWith(ending))
      .map((name) => name.slice(0, -ending.length));
  }

  /** @throws DreamError `format` where there is none of that name, or none of numbers */
  array(name: string): NumberArray {
    const entry = this.#entry(name);
    return parseNpy(this.#content(entry), this.#place(entry));
  }

  /** Where an array is stored as it is, only the rows that are asked for are read. @throws as {@link array} */
  rows(name: string): ArrayRows {
    const entry = this.#entry(name);
    if (!entry.isPlain) return rowsOf(this.array(name), this.#place(entry));
    const { path } = this;
    const where = this.#place(entry);
    const head = readFileBytes(path, entry.offset, Math.min(entry.size, maximumHeaderBytes));
    const layout = npyLayout(head, where);
    const { kind, shape, start } = layout;
    if (layout.columnsFirst || shape.length === 0 || start + numbersBytes(layout) !== entry.size)
      return rowsOf(this.array(name), where);
    const sides = shape.slice(1);
    const rowBytes = numbersBytes({ kind, shape: sides });
    return {
      shape,
      read: (first, count) => {
        requireRows(shape, first, count, where);
        const bytes = readFileBytes(path, entry.offset + start + first * rowBytes, count * rowBytes);
        return numbersOf(bytes, { kind, shape: [count, ...sides] });
      },
    };
  }

  #entry(name: string): StoredEntry {
    const entry = this.entries.get(name + ending);
    if (entry !== undefined) return entry;
    throw new DreamError("format", {
      operation: `read ${this.path}`,
      expected: `an array ${name}`,
      got: this.names.join(", ") || "none",
    });
  }

  #place({ name }: StoredEntry): string {
    return `${this.path}, ${name}`;
  }

  #content(entry: StoredEntry): Uint8Array {
    const content = this.#inflated(entry);
    if (entry.checksum === 0 || crc32(content) === entry.checksum) return content;
    throw this.#damaged(entry, "bytes that do not add up to their checksum");
  }

  #inflated(entry: StoredEntry): Uint8Array {
    const { offset, size, isPlain, deflatedFrom } = entry;
    const bytes = readFileBytes(this.path, offset, size);
    if (isPlain) return bytes;
    if (deflatedFrom === null) throw this.#damaged(entry, "another compression, or a cipher");
    let content: Uint8Array;
    try {
      content = inflateRawSync(bytes, { maxOutputLength: Math.max(1, deflatedFrom) });
    } catch (cause) {
      throw this.#damaged(entry, "damaged bytes", cause);
    }
    if (content.length === deflatedFrom) return content;
    throw this.#damaged(entry, `${content.length} bytes where it says ${deflatedFrom}`);
  }

  #damaged({ name }: StoredEntry, got: string, cause?: unknown): DreamError {
    return new DreamError("format", {
      operation: `read ${this.path}`,
      expected: `${name}, stored or deflated`,
      got,
      hint: "copy or download the file again",
      cause,
    });
  }
}

/** Rows of an array in memory. */
function rowsOf({ shape, data }: NumberArray, where: string): ArrayRows {
  const sides = shape.slice(1);
  const width = sides.reduce((product, side) => product * side, 1);
  return {
    shape,
    read: (first, count) => {
      requireRows(shape, first, count, where);
      return { shape: [count, ...sides], data: data.slice(first * width, (first + count) * width) };
    },
  };
}

function requireRows([rows]: readonly number[], first: number, count: number, where: string): void {
  if (rows !== undefined && first >= 0 && count >= 0 && first + count <= rows) return;
  throw new DreamError("value", {
    operation: `read ${where}`,
    expected: rows === undefined ? "an array with rows" : `rows 0 to ${rows - 1}`,
    got: rows === undefined ? "one number" : `rows ${first} to ${first + count - 1}`,
  });
}

/** Whole or not at all. */
export function writeNpz(path: string, arrays: Readonly<Record<string, NumberArray>>): Promise<void> {
  const sources = Object.entries(arrays).map(([name, array]) => ({
    name: name + ending,
    bytes: () => npyBytes(array),
  }));
  return writeAtomically(path, (file) => writeStoredZip(file, sources));
}
