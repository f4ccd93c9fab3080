/** @file The checksum of PNG chunks and zip entries: Node's, where it has one (from 20.15 on). */
import * as zlib from "node:zlib";

/** The most that one call takes: its lengths are 32 bits wide. */
const chunkBytes = 1 << 30;

/** CRC-32 of any number of bytes. */
export function crc32(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += chunkBytes) sum = more(bytes.subarray(at, at + chunkBytes), sum);
  return sum;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let c = byte;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

const more: (bytes: Uint8Array, sum: number) => number =
  zlib.crc32 ??
  ((bytes, sum) => {
    let c = ~sum;
    for (const byte of bytes) c = table[(c ^ byte) & 0xff]! ^ (c >>> 8);
    return ~c >>> 0;
  });
