/** @file TensorBoard's event files read back, for tests: apart from the code that writes them, checksums bit by bit. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** An event as far as tests look at it. */
export interface ReadEvent {
  readonly step: number;
  readonly isStart: boolean;
  readonly scalars: Readonly<Record<string, number>>;
  readonly pictures: Readonly<Record<string, Buffer>>;
}

/** The events of each file of a folder, in the order in which TensorBoard reads them. */
export function readEventFiles(folder: string): ReadEvent[][] {
  const names = readdirSync(folder).sort();
  return names.map((name) => readRecords(readFileSync(join(folder, name))).map(readEvent));
}

/** The bytes of every TFRecord. @throws where a checksum does not fit, or something is cut short */
export function readRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const record = bytes.subarray(at + 12, at + 12 + length);
    if (unmasked(bytes.readUInt32LE(at + 8)) !== slowCrc32c(bytes.subarray(at, at + 8)))
      throw new Error(`the length at ${at} does not fit its checksum`);
    if (unmasked(bytes.readUInt32LE(at + 12 + length)) !== slowCrc32c(record))
      throw new Error(`the record at ${at} does not fit its checksum`);
    records.push(record);
    at += length + 16;
  }
  return records;
}

function readEvent(record: Buffer): ReadEvent {
  const fields = fieldsOf(record);
  const of = (number: number): Field[] => fields.filter((one) => one.number === number);
  const values = of(5)
    .flatMap(({ bytes }) => fieldsOf(bytes))
    .map(({ bytes }) => fieldsOf(bytes));
  // Without a prototype, whose names a tag may have.
  const scalars: Record<string, number> = Object.create(null);
  const pictures: Record<string, Buffer> = Object.create(null);
  for (const value of values) {
    const one = (number: number): Field | undefined => value.find((field) => field.number === number);
    const tag = one(1)!.bytes.toString();
    const [scalar, picture] = [one(2), one(4)];
    if (scalar !== undefined) scalars[tag] = scalar.bytes.readFloatLE();
    if (picture !== undefined)
      pictures[tag] = fieldsOf(picture.bytes).find(({ number }) => number === 4)!.bytes;
  }
  return { step: of(2)[0]?.value ?? 0, isStart: of(7).length > 0, scalars, pictures };
}

interface Field {
  readonly number: number;
  /** Of a varint. */
  readonly value: number;
  /** Of anything else. */
  readonly bytes: Buffer;
}

function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    for (let [value, weight] = [0, 1]; ; weight *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * weight;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = varint();
    const [number, wire] = [key >> 3, key & 7];
    if (wire === 0) fields.push({ number, value: varint(), bytes: Buffer.alloc(0) });
    else fields.push({ number, value: 0, bytes: take(wire === 1 ? 8 : wire === 5 ? 4 : varint()) });
  }
  return fields;
}

function unmasked(sum: number): number {
  const turned = (sum - 0xa282ead8) >>> 0;
  return ((turned << 15) | (turned >>> 17)) >>> 0;
}

function slowCrc32c(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = (c >>> 1) ^ (c & 1 ? 0x82f63b78 : 0);
  }
  return ~c >>> 0;
}
