/**
 * @file Writing zip archives of entries stored as they are, one at a time, each begun at a multiple of 64 bytes as PyTorch does, so that
 * a reader can map tensors into memory. (yazl cannot align entries, and sums their bytes in JavaScript.)
 */
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "./crc32.js";

/** An entry to be written; its bytes are asked for when its turn comes. */
export interface ZipSource {
  readonly name: string;
  readonly bytes: () => Uint8Array;
}

/** An entry whose header begins at `at`. */
interface Entry {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly checksum: number;
}

const alignment = 64;
const utf8Names = 0x0800;
/** The first of January 1980, in DOS's bits: the same content gives the same bytes. */
const date = 0x21;
const largest = 0xffffffff;

/** Writes an archive into an empty file: entries in order, one at a time. */
export async function writeStoredZip(file: FileHandle, sources: Iterable<ZipSource>): Promise<void> {
  const entries: Entry[] = [];
  let at = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    await file.writeFile(bytes);
    at += bytes.length;
  };
  for (const { name, bytes } of sources) {
    const data = bytes();
    const entry = { name, at, size: data.length, checksum: crc32(data) };
    entries.push(entry);
    await write(localHeader(entry));
    await write(data);
  }
  const directoryAt = at;
  await write(Buffer.concat(entries.map(directoryRecord)));
  await write(endOfDirectory(entries.length, directoryAt, at));
}

/** The fields that both headers of an entry have, from "version needed" to the length of the name. */
function fields({ name, size, checksum }: Entry): Buffer {
  const buffer = Buffer.alloc(24);
  buffer.writeUInt16LE(size >= largest ? 45 : 20, 0);
  buffer.writeUInt16LE(utf8Names, 2);
  buffer.writeUInt16LE(date, 8);
  buffer.writeUInt32LE(checksum, 10);
  buffer.writeUInt32LE(Math.min(size, largest), 14);
  buffer.writeUInt32LE(Math.min(size, largest), 18);
  buffer.writeUInt16LE(Buffer.byteLength(name), 22);
  return buffer;
}

function localHeader(entry: Entry): Buffer {
  const name = Buffer.from(entry.name, "utf8");
  const sizes = entry.size >= largest ? extraField(0x0001, [entry.size, entry.size]) : Buffer.alloc(0);
  const before = entry.at + 30 + name.length + sizes.length + 4;
  // As PyTorch pads: a field "FB" of so many bytes that the data begins at a multiple of 64.
  const padding = Buffer.alloc(4 + ((alignment - (before % alignment)) % alignment));
  padding.write("FB", 0, "latin1");
  padding.writeUInt16LE(padding.length - 4, 2);
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(0x04034b50);
  const extraLength = Buffer.alloc(2);
  extraLength.writeUInt16LE(sizes.length + padding.length);
  return Buffer.concat([signature, fields(entry), extraLength, name, sizes, padding]);
}

function directoryRecord(entry: Entry): Buffer {
  const large = entry.size >= largest || entry.at >= largest;
  const extra = large ? extraField(0x0001, beyond([entry.size, entry.size, entry.at])) : Buffer.alloc(0);
  const head = Buffer.alloc(6);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(45, 4);
  const tail = Buffer.alloc(16);
  tail.writeUInt16LE(extra.length, 0);
  tail.writeUInt32LE(Math.min(entry.at, largest), 12);
  return Buffer.concat([head, fields(entry), tail, Buffer.from(entry.name, "utf8"), extra]);
}

/** The numbers that do not fit 32 bits, which the extra field holds in their stead. */
function beyond(numbers: readonly number[]): number[] {
  return numbers.filter((number) => number >= largest);
}

function extraField(id: number, numbers: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * numbers.length);
  field.writeUInt16LE(id, 0);
  field.writeUInt16LE(8 * numbers.length, 2);
  for (const [i, number] of numbers.entries()) field.writeBigUInt64LE(BigInt(number), 4 + 8 * i);
  return field;
}

function endOfDirectory(count: number, start: number, end: number): Buffer {
  const short = Buffer.alloc(22);
  short.writeUInt32LE(0x06054b50, 0);
  short.writeUInt16LE(Math.min(count, 0xffff), 8);
  short.writeUInt16LE(Math.min(count, 0xffff), 10);
  short.writeUInt32LE(Math.min(end - start, largest), 12);
  short.writeUInt32LE(Math.min(start, largest), 16);
  if (count < 0xffff && end < largest) return short;
  const long = Buffer.alloc(56);
  long.writeUInt32LE(0x06064b50, 0);
  long.writeBigUInt64LE(44n, 4);
  long.writeUInt16LE(45, 12);
  long.writeUInt16LE(45, 14);
  for (const [i, number] of [count, count, end - start, start].entries())
    long.writeBigUInt64LE(BigInt(number), 24 + 8 * i);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(end), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([long, locator, short]);
}
