/**
 * @file Where a source's samples lie, as columns: a source may have 12 million samples, and an object for each would not fit.
 * A sample costs its key, 4 bytes for where the key ends, and 12 for each part (picture, text, JSON) that the source has.
 */
import type { FileRange } from "./sample.js";

/** A file of a source, as it was when it was looked at. */
export interface IndexedFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** One part of every sample. */
export interface RangeColumn {
  readonly offsets: Float64Array<ArrayBuffer>;
  /** {@link absent} where a sample lacks the part. */
  readonly sizes: Uint32Array<ArrayBuffer>;
}

/** The size that says that there is nothing. */
export const absent = 0xffffffff;

/** The columns of an index. */
export interface IndexColumns {
  /** The number of each file's first sample, and the number of samples: files + 1. */
  readonly firsts: Uint32Array<ArrayBuffer>;
  readonly keyEnds: Uint32Array<ArrayBuffer>;
  readonly keys: Uint8Array<ArrayBuffer>;
  /** Null where no sample has the part. */
  readonly parts: readonly (RangeColumn | null)[];
}

/** Samples by number, in the order of their files. */
export class SampleIndex {
  readonly count: number;

  constructor(
    readonly files: readonly IndexedFile[],
    readonly columns: IndexColumns,
  ) {
    this.count = columns.keyEnds.length;
  }

  key(number: number): string {
    const { keyEnds, keys } = this.columns;
    const begin = number === 0 ? 0 : keyEnds[number - 1]!;
    return Buffer.from(keys.buffer, keys.byteOffset + begin, keyEnds[number]! - begin).toString("utf8");
  }

  /** The number of the file that a sample is in, by halving. */
  fileOf(number: number): number {
    const { firsts } = this.columns;
    let [low, high] = [0, firsts.length - 2];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (firsts[middle]! <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  range(part: number, number: number): FileRange | null {
    const column = this.columns.parts[part] ?? null;
    if (column === null || column.sizes[number] === absent) return null;
    return { offset: column.offsets[number]!, size: column.sizes[number]! };
  }
}

/** Builds an index, file by file and sample by sample. */
export class SampleIndexBuilder {
  readonly #firsts: number[] = [];
  readonly #keyEnds = new Growing((length) => new Uint32Array(length));
  readonly #keys = new Growing((length) => new Uint8Array(length));
  readonly #offsets: readonly Growing<Float64Array<ArrayBuffer>>[];
  readonly #sizes: readonly Growing<Uint32Array<ArrayBuffer>>[];
  readonly #isPresent: boolean[];

  /** @param partCount how many ranges a sample has */
  constructor(partCount: number) {
    const parts = Array.from({ length: partCount });
    this.#offsets = parts.map(() => new Growing((length) => new Float64Array(length)));
    this.#sizes = parts.map(() => new Growing((length) => new Uint32Array(length)));
    this.#isPresent = parts.map(() => false);
  }

  get count(): number {
    return this.#keyEnds.length;
  }

  /** Says that the samples that follow are in the next file. */
  beginFile(): void {
    this.#firsts.push(this.count);
  }

  add(key: string, ranges: readonly (FileRange | null)[]): void {
    this.#keys.append(Buffer.from(key, "utf8"));
    this.#keyEnds.push(this.#keys.length);
    for (let part = 0; part < ranges.length; part++) {
      const range = ranges[part] ?? null;
      this.#offsets[part]!.push(range?.offset ?? 0);
      this.#sizes[part]!.push(range?.size ?? absent);
      if (range !== null) this.#isPresent[part] = true;
    }
  }

  finish(files: readonly IndexedFile[]): SampleIndex {
    return new SampleIndex(files, {
      firsts: Uint32Array.from([...this.#firsts, this.count]),
      keyEnds: this.#keyEnds.finish(),
      keys: this.#keys.finish(),
      parts: this.#isPresent.map((isPresent, part) =>
        isPresent ? { offsets: this.#offsets[part]!.finish(), sizes: this.#sizes[part]!.finish() } : null,
      ),
    });
  }
}

/** Numbers in one array that doubles when it is full. */
class Growing<T extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>> {
  readonly #create: (length: number) => T;
  #values: T;
  length = 0;

  constructor(create: (length: number) => T) {
    this.#create = create;
    this.#values = create(1024);
  }

  push(value: number): void {
    if (this.length === this.#values.length) this.#grow(this.length + 1);
    this.#values[this.length++] = value;
  }

  append(values: ArrayLike<number>): void {
    const length = this.length + values.length;
    if (length > this.#values.length) this.#grow(length);
    this.#values.set(values, this.length);
    this.length = length;
  }

  #grow(length: number): void {
    const grown = this.#create(Math.max(length, this.#values.length * 2));
    grown.set(this.#values);
    this.#values = grown;
  }

  /** The values, in an array of their own length. */
  finish(): T {
    return this.#values.slice(0, this.length) as T;
  }
}
