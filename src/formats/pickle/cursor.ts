/** @file A pickle's bytes and the place where its reader stands. Every length is checked against the bytes that are left. */
import { DreamError } from "../../errors.js";

/** Where a pickle comes from, for errors. */
export interface PickleSource {
  /** The file. */
  readonly path: string;
  /** What in the file the pickle is, e.g. `archive/data.pkl`. */
  readonly part: string;
}

/** Longer lines (names, numbers in digits) are refused. */
const maximumLine = 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class PickleCursor {
  #at = 0;
  /** Of the operation that is being carried out. */
  #start = 0;
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly source: PickleSource,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that are left. */
  get left(): number {
    return this.bytes.length - this.#at;
  }

  /** The next operation's code. */
  operation(): number {
    this.#start = this.#at;
    return this.uint8();
  }

  /** An error at the operation that is being carried out. */
  refuse(expected: string, got: string): DreamError {
    return this.error({ expected, got, hint: "the file is damaged; copy or download it again" });
  }

  /** The same in free words. */
  error(details: { message?: string; expected?: string; got?: string; hint: string }): DreamError {
    const place = `at byte ${this.#start} of ${this.source.part}`;
    const { message, got } = details;
    return new DreamError("format", {
      operation: `read ${this.source.path}`,
      ...details,
      ...(message === undefined ? {} : { message: `${message} ${place}` }),
      ...(got === undefined ? {} : { got: `${got} ${place}` }),
    });
  }

  take(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.bytes.subarray(at, at + length);
  }

  uint8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  /** A length of 64 bits. Those beyond 2^53 are refused by whoever takes so many bytes. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }

  /** Big endian. */
  float64(): number {
    return this.#view.getFloat64(this.#skip(8), false);
  }

  /** Text of so many bytes. */
  text(length: number): string {
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.refuse("text in UTF-8", "other bytes");
    }
  }

  /** A short line's text, without its end. */
  line(): string {
    return utf8OrLatin1(this.longLine(maximumLine));
  }

  /** A line's bytes, without its end. */
  longLine(limit = Number.POSITIVE_INFINITY): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.refuse("a line", "none that ends");
    if (end - this.#at > limit) throw this.refuse(`a line of at most ${limit} bytes`, `${end - this.#at}`);
    const line = this.take(end - this.#at);
    this.#at++;
    return line;
  }

  #skip(length: number): number {
    const at = this.#at;
    if (length > this.left) throw this.refuse(`${length} bytes`, `${this.left} left`);
    this.#at = at + length;
    return at;
  }
}

function utf8OrLatin1(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString("latin1");
  }
}
