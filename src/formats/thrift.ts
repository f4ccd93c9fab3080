/**
 * @file Checks Thrift's compact protocol before a parser believes it: parquet's footer and page headers come in it, and a few
 * bytes may claim a list of a billion. Nothing is allocated here.
 */

/** Deeper structures are refused; parquet's own are less than ten deep. */
const maximumDepth = 24;

const types = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  short: 4,
  long: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  struct: 12,
} as const;

/**
 * Walks over one structure.
 * @returns where it ends
 * @throws RangeError where it is cut short, too deep, or claims more elements than bytes follow
 */
export function endOfStruct(bytes: Uint8Array, begin: number): number {
  let at = begin;
  const byte = (): number => {
    if (at >= bytes.length) throw new RangeError("it ends too early");
    return bytes[at++]!;
  };
  const variable = (): number => {
    let [value, scale] = [0, 1];
    for (let i = 0; i < 10; i++) {
      const next = byte();
      value += (next & 0x7f) * scale;
      if (next < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError("a number is too long");
  };
  const skip = (count: number): void => {
    if (count > bytes.length - at) throw new RangeError(`it claims ${count} more than there are`);
    at += count;
  };
  const element = (type: number, depth: number): void => {
    if (type === types.true || type === types.false) return;
    if (type === types.byte) skip(1);
    else if (type >= types.short && type <= types.long) variable();
    else if (type === types.double) skip(8);
    else if (type === types.binary) skip(variable());
    else if (type === types.list || type === types.set) list(depth + 1);
    else if (type === types.struct) struct(depth + 1);
    else throw new RangeError(`it has a type ${type} that parquet does not use`);
  };
  const list = (depth: number): void => {
    if (depth > maximumDepth) throw new RangeError("it is too deep");
    const head = byte();
    const count = head >> 4 === 15 ? variable() : head >> 4;
    // Every element takes a byte at least, a truth value in a list too.
    if (count > bytes.length - at) throw new RangeError(`a list claims ${count} elements`);
    const type = head & 15;
    for (let i = 0; i < count; i++) {
      if (type === types.true || type === types.false) skip(1);
      else element(type, depth);
    }
  };
  const struct = (depth: number): void => {
    if (depth > maximumDepth) throw new RangeError("it is too deep");
    for (;;) {
      const head = byte();
      if (head === types.stop) return;
      if (head >> 4 === 0) variable();
      element(head & 15, depth);
    }
  };
  struct(0);
  return at;
}
