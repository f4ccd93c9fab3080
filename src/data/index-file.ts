/**
 * @file A sample index kept in a file, so that a source is indexed once. The file is believed only where it was made from the
 * same files (names, sizes, times), is whole (a hash), and points nowhere outside of them; else the index is made again.
 * Layout, little endian: magic, hash of the files, hash of the columns, the four lengths, the columns.
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DreamError } from "../errors.js";
import { writeAtomically } from "../formats/atomic.js";
import {
  absent,
  type IndexColumns,
  type IndexedFile,
  type RangeColumn,
  SampleIndex,
} from "./sample-index.js";

const magic = Buffer.from("DREAMIX2", "latin1");
const headBytes = 88;
/** The hash, at 40, covers all from here on. */
const hashedFrom = 72;

/** What the system says of files. @throws DreamError `io` where one is missing */
export function lookAt(paths: readonly string[]): IndexedFile[] {
  return paths.map((path) => {
    try {
      const { size, mtimeMs } = statSync(path);
      return { path, size, mtimeMs };
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new DreamError("io", { operation: `open ${path}`, message, hint: "check the path", cause });
    }
  });
}

/** A hash of files' names, sizes and times, which says whether data is still the same. */
export function fingerprintOf(kind: string, files: readonly IndexedFile[]): string {
  const hash = createHash("sha256").update(`${kind} 1\n`);
  for (const { path, size, mtimeMs } of files) hash.update(`${basename(path)}\0${size}\0${mtimeMs}\n`);
  return hash.digest("hex");
}

/** Where an index is kept: its folder, and whether a person asked for that folder. */
export type IndexPlace =
  | { readonly kind: "beside-data" }
  | { readonly kind: "folder"; readonly folder: string };

/**
 * The index of some files: read where it is kept, else built and kept. Beside the data it is only a convenience, and is not
 * kept where that folder cannot be written; a folder that was asked for must be writable.
 */
export async function keptIndex(
  kind: string,
  files: readonly IndexedFile[],
  place: IndexPlace,
  build: () => Promise<SampleIndex> | SampleIndex,
): Promise<SampleIndex> {
  const name = createHash("sha256").update(files.map(({ path }) => path).join("\0"));
  const folder = place.kind === "folder" ? place.folder : dirname(files[0]!.path);
  const path = join(folder, `.dream-index-${kind}-${name.digest("hex").slice(0, 16)}`);
  const kept = readIndex(path, fingerprintOf(kind, files), files);
  if (kept !== null) return kept;
  const built = await build();
  try {
    await writeIndex(path, fingerprintOf(kind, files), built);
  } catch (error) {
    if (place.kind === "folder" || !(error instanceof DreamError)) throw error;
  }
  return built;
}

async function writeIndex(path: string, fingerprint: string, { columns }: SampleIndex): Promise<void> {
  const arrays = arraysOf(columns);
  const head = Buffer.alloc(headBytes);
  magic.copy(head, 0);
  head.write(fingerprint, 8, "hex");
  const present = columns.parts.reduce((bits, part, i) => (part === null ? bits : bits | (1 << i)), 0);
  for (const [i, length] of [
    columns.keyEnds.length,
    columns.keys.length,
    columns.parts.length,
    present,
  ].entries())
    head.writeUInt32LE(length, hashedFrom + 4 * i);
  const hash = createHash("sha256").update(head.subarray(hashedFrom));
  for (const array of arrays) hash.update(array);
  hash.digest().copy(head, 40);
  await writeAtomically(path, async (file) => {
    await file.writeFile(head);
    for (const array of arrays)
      await file.writeFile(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  });
}

/** Null where there is none that can be believed. */
export function readIndex(
  path: string,
  fingerprint: string,
  files: readonly IndexedFile[],
): SampleIndex | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    const head = Buffer.alloc(headBytes);
    if (readSync(descriptor, head, 0, headBytes, 0) !== headBytes) return null;
    if (!head.subarray(0, 8).equals(magic) || head.toString("hex", 8, 40) !== fingerprint) return null;
    const [count, keyBytes, partCount, present] = [0, 1, 2, 3].map((i) =>
      head.readUInt32LE(hashedFrom + 4 * i),
    ) as [number, number, number, number];
    if (partCount > 8) return null;
    const bits = Array.from({ length: partCount }, (_, i) => (present >> i) & 1);
    const presentCount = bits.reduce((sum, bit) => sum + bit, 0);
    const expected = headBytes + 4 * (files.length + 1) + 4 * count + keyBytes + 12 * count * presentCount;
    // Nothing is allocated before the file is known to be as long as it says.
    if (fstatSync(descriptor).size !== expected) return null;
    const columns: IndexColumns = {
      firsts: new Uint32Array(files.length + 1),
      keyEnds: new Uint32Array(count),
      keys: new Uint8Array(keyBytes),
      parts: bits.map((bit) =>
        bit === 0 ? null : { offsets: new Float64Array(count), sizes: new Uint32Array(count) },
      ),
    };
    const hash = createHash("sha256").update(head.subarray(hashedFrom));
    let at = headBytes;
    for (const array of arraysOf(columns)) {
      if (!readInto(descriptor, array, at)) return null;
      hash.update(array);
      at += array.byteLength;
    }
    if (!hash.digest().equals(head.subarray(40, hashedFrom))) return null;
    return isConsistent(columns, files) ? new SampleIndex(files, columns) : null;
  } finally {
    closeSync(descriptor);
  }
}

/** The columns in the order in which they are written. */
function arraysOf({
  firsts,
  keyEnds,
  keys,
  parts,
}: IndexColumns): (Uint8Array | Uint32Array | Float64Array)[] {
  return [
    firsts,
    keyEnds,
    keys,
    ...parts.flatMap((part) => (part === null ? [] : [part.offsets, part.sizes])),
  ];
}

/** The system reads less than 2 GiB at a time. */
const stepBytes = 1 << 30;

function readInto(descriptor: number, array: NodeJS.ArrayBufferView, at: number): boolean {
  for (let done = 0; done < array.byteLength; ) {
    const bytes = new Uint8Array(
      array.buffer,
      array.byteOffset + done,
      Math.min(stepBytes, array.byteLength - done),
    );
    const read = readSync(descriptor, bytes, 0, bytes.length, at + done);
    if (read === 0) return false;
    done += read;
  }
  return true;
}

/** Whether every number points to something that is there. */
function isConsistent(
  { firsts, keyEnds, keys, parts }: IndexColumns,
  files: readonly IndexedFile[],
): boolean {
  const count = keyEnds.length;
  if (firsts[0] !== 0 || firsts[files.length] !== count || !isRising(firsts)) return false;
  if (!isRising(keyEnds) || (keyEnds[count - 1] ?? 0) !== keys.length) return false;
  const isWithin = ({ offsets, sizes }: RangeColumn): boolean =>
    files.every(({ size }, file) => {
      for (let i = firsts[file]!; i < firsts[file + 1]!; i++) {
        if (sizes[i] === absent) continue;
        if (!Number.isSafeInteger(offsets[i]) || offsets[i]! < 0 || offsets[i]! + sizes[i]! > size)
          return false;
      }
      return true;
    });
  return parts.every((part) => part === null || isWithin(part));
}

function isRising(numbers: Uint32Array): boolean {
  for (let i = 1; i < numbers.length; i++) if (numbers[i]! < numbers[i - 1]!) return false;
  return true;
}
