/**
 * @file Writing plain data as a pickle of protocol 2, which every PyTorch reads, also with `weights_only`. Nothing is remembered and
 * referred back to, so the same data gives the same bytes.
 */
import {
  isTuple,
  Namespace,
  OrderedDict,
  PickleLeaf,
  type PickleValue,
  PythonFloat,
  tuple,
} from "./value.js";

/** Deeper data is not written: it could not be read again. */
const maximumDepth = 200;

export class PickleWriter {
  readonly #parts: Buffer[] = [Buffer.from([0x80, 2])];
  #depth = 0;

  /** @param writeLeaf writes a format's own data */
  constructor(readonly writeLeaf: (leaf: PickleLeaf, writer: PickleWriter) => void) {}

  /** Ends the pickle. */
  finish(): Uint8Array {
    this.code(".");
    return Buffer.concat(this.#parts);
  }

  /** An operation without arguments, or several. */
  code(operations: string): void {
    this.#parts.push(Buffer.from(operations, "latin1"));
  }

  /** A name: a function or a class. */
  global(module: string, name: string): void {
    this.code(`c${module}\n${name}\n`);
  }

  value(value: PickleValue): void {
    if (++this.#depth > maximumDepth) throw new Error(`internal: data deeper than ${maximumDepth}`);
    if (value === null) this.code("N");
    else if (typeof value === "boolean") this.code(value ? "\x88" : "\x89");
    else if (typeof value === "bigint") this.#long(value);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.#text(value);
    else if (value instanceof Uint8Array) this.#bytes(value);
    else if (value instanceof PythonFloat) this.#float(value.value);
    else if (value instanceof PickleLeaf) this.writeLeaf(value, this);
    else if (value instanceof Map) this.#dict(value);
    else this.#sequence(value);
    this.#depth--;
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.#float(value);
    else if (value >= 0 && value < 0x100) this.#parts.push(Buffer.from(["K".charCodeAt(0), value]));
    else if (value === (value | 0)) {
      const bytes = Buffer.from("J    ");
      bytes.writeInt32LE(value, 1);
      this.#parts.push(bytes);
    } else this.#long(BigInt(value));
  }

  #float(value: number): void {
    const bytes = Buffer.from("G        ");
    bytes.writeDoubleBE(value, 1);
    this.#parts.push(bytes);
  }

  #long(value: bigint): void {
    if (BigInt.asIntN(128, value) !== value) throw new Error(`internal: ${value} is too large`);
    const bytes = Buffer.alloc(18);
    bytes.writeUInt8(0x8a, 0);
    bytes.writeUInt8(16, 1);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value), 2);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value >> 64n), 10);
    this.#parts.push(bytes);
  }

  #text(value: string): void {
    const text = Buffer.from(value, "utf8");
    const head = Buffer.from("X    ");
    head.writeUInt32LE(text.length, 1);
    this.#parts.push(head, text);
  }

  /** Protocol 2 has no bytes of its own. */
  #bytes(value: Uint8Array): void {
    this.global("_codecs", "encode");
    this.value(tuple([Buffer.from(value).toString("latin1"), "latin1"]));
    this.code("R");
  }

  #dict(dict: Map<unknown, PickleValue>): void {
    if (dict instanceof Namespace) {
      this.global("argparse", "Namespace");
      this.code(")\x81");
    } else if (dict instanceof OrderedDict) {
      this.global("collections", "OrderedDict");
      this.code(")R");
    }
    if (!(dict instanceof OrderedDict)) this.code("}");
    this.code("(");
    for (const [key, value] of dict) {
      this.value(key as PickleValue);
      this.value(value);
    }
    this.code(dict instanceof Namespace ? "ub" : "u");
  }

  #sequence(items: readonly PickleValue[]): void {
    this.code(isTuple(items) ? "(" : "](");
    for (const item of items) this.value(item);
    this.code(isTuple(items) ? "t" : "e");
  }
}
