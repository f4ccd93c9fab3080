/**
 * @file Tar archives read from their headers alone (ustar, GNU long names and sizes, PAX), so that members can be found
 * again in any order. What a header claims is checked against the file before it is believed.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DreamError } from "../errors.js";

/** Where a member's bytes lie in its archive. */
export interface TarMember {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

const blockBytes = 512;

/** What is read at a time: a sample's small members stand together, and their headers come with one read. */
const windowBytes = 2048;

/** Long names and PAX records that are larger are refused. */
const maximumRecordBytes = 1 << 20;

/** Longer names are refused; no file system has them. */
const maximumNameBytes = 4096;

/** Archives with more members are refused. */
const maximumMembers = 20_000_000;

/**
 * Walks through an archive's files without reading them. The reading is synchronous: a header costs about 2 microseconds so,
 * and ten times that with a promise for each.
 * @throws DreamError `io` where it cannot be opened; `format` naming member and sizes where it is damaged or cut short
 */
export function* tarMembers(path: string): Generator<TarMember, void, undefined> {
  const descriptor = openArchive(path);
  try {
    yield* readHeaders(path, descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openArchive(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, hint: "check the path", cause });
  }
}

function* readHeaders(path: string, descriptor: number): Generator<TarMember, void, undefined> {
  const total = fstatSync(descriptor).size;
  const headers = new HeaderWindow(descriptor);
  let count = 0;
  let longName: string | undefined;
  let extended: PaxRecords = {};
  let at = 0;
  while (at < total) {
    const header = headers.at(at);
    if (header.length < blockBytes) throw damaged(path, "a header of 512 bytes", `${header.length} at ${at}`);
    if (isEnd(header)) break;
    checkSum(path, header, at);
    const kind = header[156]!;
    const isName = kind === kinds.longName || kind === kinds.pax;
    // What PAX says of a size is meant for the member, not for a header between the two.
    const size = (isName ? undefined : extended.size) ?? parseSize(path, header, at);
    const offset = at + blockBytes;
    const name = extended.path ?? longName ?? headerName(header);
    if (offset + size > total)
      throw damaged(path, `${size} bytes of member '${name}'`, `${total - offset}: the archive is cut short`);
    if (isName) {
      const body = readRecord(path, descriptor, offset, size);
      if (kind === kinds.longName) longName = text(body, 0, body.length);
      else extended = parsePax(path, body, at);
    } else if (kind !== kinds.paxGlobal && kind !== kinds.longLink) {
      if (kind === kinds.file || kind === kinds.oldFile) {
        if (name.length > maximumNameBytes)
          throw damaged(path, "a name of at most 4,096 letters", `${name.length}`);
        if (++count > maximumMembers)
          throw damaged(path, `at most ${maximumMembers} members`, "more of them");
        yield { name, offset, size };
      }
      longName = undefined;
      extended = {};
    }
    at = offset + Math.ceil(size / blockBytes) * blockBytes;
  }
  if (at > total) throw damaged(path, `${at} bytes`, `${total}: the archive is cut short`);
  if (count === 0) throw damaged(path, "an archive", `${total} bytes without a member`);
}

/** Headers by their offset, read with what follows them. */
class HeaderWindow {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(windowBytes);
  #begin = 0;
  #length = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Shorter than a header where the file ends. */
  at(offset: number): Buffer {
    if (offset < this.#begin || offset + blockBytes > this.#begin + this.#length) {
      this.#length = readSync(this.#descriptor, this.#bytes, 0, windowBytes, offset);
      this.#begin = offset;
    }
    const begin = offset - this.#begin;
    return this.#bytes.subarray(begin, Math.min(begin + blockBytes, this.#length));
  }
}

/** The type flags that matter here. */
const kinds = {
  oldFile: 0,
  file: "0".charCodeAt(0),
  longName: "L".charCodeAt(0),
  longLink: "K".charCodeAt(0),
  pax: "x".charCodeAt(0),
  paxGlobal: "g".charCodeAt(0),
} as const;

/** Whether a header is the block of zeros that ends an archive. */
function isEnd(header: Buffer): boolean {
  return header[0] === 0 && header.every((byte) => byte === 0);
}

function readRecord(path: string, descriptor: number, offset: number, size: number): Buffer {
  if (size > maximumRecordBytes)
    throw damaged(path, `a name or PAX record of at most ${maximumRecordBytes} bytes`, `${size}`);
  const body = Buffer.alloc(size);
  const bytesRead = readSync(descriptor, body, 0, size, offset);
  if (bytesRead !== size) throw damaged(path, `${size} bytes at ${offset}`, `${bytesRead}`);
  return body;
}

/** A field's text, up to its NUL. */
function text(bytes: Buffer, begin: number, end: number): string {
  let last = begin;
  while (last < end && bytes[last] !== 0) last++;
  return bytes.toString("utf8", begin, last);
}

function headerName(header: Buffer): string {
  const name = text(header, 0, 100);
  const isUstar =
    header[345] !== 0 && header.toString("latin1", 257, 262) === "ustar" && header[263] !== space;
  return isUstar ? `${text(header, 345, 500)}/${name}` : name;
}

/** Octal digits, or, with the first bit set, a big-endian number (GNU). */
function parseSize(path: string, header: Buffer, at: number): number {
  const [begin, end] = [124, 136];
  let number = 0;
  if ((header[begin]! & 0x80) === 0) number = octal(header, begin, end);
  // 0xff begins a negative number.
  else if (header[begin] === 0xff) number = -1;
  else for (let i = begin + 1; i < end; i++) number = number * 256 + header[i]!;
  if (Number.isSafeInteger(number) && number >= 0) return number;
  const got = JSON.stringify(header.toString("latin1", begin, end));
  throw damaged(path, "a size that is a whole number of bytes", `${got} at ${at}`);
}

/** Octal digits with spaces before them, up to a space or NUL; -1 for anything else. */
function octal(bytes: Buffer, begin: number, end: number): number {
  let [at, value] = [begin, 0];
  while (at < end && bytes[at] === space) at++;
  for (; at < end && bytes[at] !== 0 && bytes[at] !== space; at++) {
    const digit = bytes[at]! - zero;
    if (digit < 0 || digit > 7) return -1;
    value = value * 8 + digit;
  }
  return value;
}

const [space, zero] = [0x20, 0x30];

/** The sum of a header's bytes, with its own field as spaces. */
function checkSum(path: string, header: Buffer, at: number): void {
  let sum = 8 * space;
  for (let i = 0; i < 148; i++) sum += header[i]!;
  for (let i = 156; i < blockBytes; i++) sum += header[i]!;
  if (sum !== octal(header, 148, 156))
    throw damaged(path, "a header whose checksum fits", `another sum at byte ${at}`);
}

interface PaxRecords {
  readonly path?: string;
  readonly size?: number;
}

/** Records of the form `LENGTH KEY=VALUE\n`. */
function parsePax(path: string, body: Buffer, at: number): PaxRecords {
  const found: { path?: string; size?: number } = {};
  for (let start = 0; start < body.length && body[start] !== 0; ) {
    const gap = body.indexOf(space, start);
    const digits = gap < 0 ? "" : body.toString("latin1", start, Math.min(gap, start + 20));
    const end = /^\d+$/.test(digits) ? start + Number(digits) : 0;
    if (gap < 0 || end <= gap || end > body.length)
      throw damaged(path, "PAX records with their lengths", `others at ${at}`);
    const record = body.toString("utf8", gap + 1, end - 1);
    const equals = record.indexOf("=");
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === "path") found.path = value;
    if (key === "size") {
      if (!/^\d{1,15}$/.test(value))
        throw damaged(path, "a size in digits", `${JSON.stringify(value.slice(0, 40))} at ${at}`);
      found.size = Number(value);
    }
    start = end;
  }
  return found;
}

function damaged(path: string, expected: string, got: string): DreamError {
  return new DreamError("format", {
    operation: `read ${path}`,
    expected,
    got,
    hint: "the archive is damaged; copy or download it again, or leave it out",
  });
}
