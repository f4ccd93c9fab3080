/**
 * @file Tar archives: an index of members for random access, made from headers alone (ustar, GNU long names, PAX), and
 * writing, in whole files.
 */
import { type FileHandle, open } from "node:fs/promises";
import { pack } from "tar-stream";
import { DreamError } from "../errors.js";
import { writeAtomically } from "./atomic.js";

/** Where a member's bytes lie in its archive. */
export interface TarMember {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

const blockBytes = 512;

/**
 * Lists an archive's files without reading them.
 * @throws DreamError `io` where it cannot be opened; `format` naming member and sizes where it is damaged or cut short
 */
export async function indexTar(path: string): Promise<TarMember[]> {
  const file = await openArchive(path);
  try {
    return await readHeaders(path, file);
  } finally {
    await file.close();
  }
}

/** Opens an archive for reading members. */
export async function openArchive(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, hint: "check the path", cause });
  }
}

/** Reads one member. @throws DreamError `format` where the archive has become shorter */
export async function readMember(
  path: string,
  file: FileHandle,
  { name, offset, size }: TarMember,
): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  const { bytesRead } = await file.read(bytes, 0, size, offset);
  if (bytesRead !== size) throw damaged(path, `${size} bytes of member '${name}'`, `${bytesRead}`);
  return bytes;
}

async function readHeaders(path: string, file: FileHandle): Promise<TarMember[]> {
  const { size: total } = await file.stat();
  const members: TarMember[] = [];
  const header = Buffer.alloc(blockBytes);
  let longName: string | undefined;
  let extended: { path?: string; size?: number } = {};
  let at = 0;
  while (at < total) {
    const { bytesRead } = await file.read(header, 0, blockBytes, at);
    if (bytesRead < blockBytes) throw damaged(path, "a header of 512 bytes", `${bytesRead} at ${at}`);
    if (header.every((byte) => byte === 0)) return members;
    checkSum(path, header, at);
    const size = extended.size ?? parseNumber(path, header.subarray(124, 136), at);
    const kind = String.fromCharCode(header[156]!);
    const offset = at + blockBytes;
    const name = extended.path ?? longName ?? headerName(header);
    if (offset + size > total)
      throw damaged(
        path,
        `${size} bytes of member '${name}'`,
        `${Math.max(0, total - offset)}: the archive is cut short`,
      );
    if (kind === "L" || kind === "x") {
      const body = await readMember(path, file, { name, offset, size });
      if (kind === "L") longName = text(body);
      else extended = parsePax(body);
    } else {
      if (kind === "0" || kind === "\0") members.push({ name, offset, size });
      if (kind !== "g") {
        longName = undefined;
        extended = {};
      }
    }
    at = offset + Math.ceil(size / blockBytes) * blockBytes;
  }
  if (at > total) throw damaged(path, `${at} bytes`, `${total}: the archive is cut short`);
  if (members.length > 0) return members;
  throw damaged(path, "an archive", `${total} bytes without a member`);
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}

function headerName(header: Buffer): string {
  const name = text(header.subarray(0, 100));
  const isUstar = text(header.subarray(257, 262)) === "ustar" && header[263] !== 0x20;
  const prefix = isUstar ? text(header.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Octal digits, or, with the first bit set, a big-endian number (GNU). */
function parseNumber(path: string, field: Buffer, at: number): number {
  if ((field[0]! & 0x80) !== 0) return field.subarray(1).reduce((n, byte) => n * 256 + byte, 0);
  const digits = text(field).trim();
  if (!/^[0-7]*$/.test(digits))
    throw damaged(path, "a size in octal digits", `${JSON.stringify(digits)} at ${at}`);
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

function checkSum(path: string, header: Buffer, at: number): void {
  const recorded = Number.parseInt(text(header.subarray(148, 156)).trim(), 8);
  let sum = 0;
  for (const [i, byte] of header.entries()) sum += i >= 148 && i < 156 ? 0x20 : byte;
  if (sum !== recorded) throw damaged(path, "a header whose checksum fits", `another sum at byte ${at}`);
}

function parsePax(body: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString("latin1", at, space));
    if (space < 0 || !(length > 0)) break;
    const [key, ...value] = body.toString("utf8", space + 1, at + length - 1).split("=");
    if (key === "path") found.path = value.join("=");
    if (key === "size") found.size = Number(value.join("="));
    at += length;
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

/** A file to be put into an archive. */
export interface TarEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

/** Writes an archive atomically; the same entries give the same bytes. */
export async function writeTar(path: string, entries: AsyncIterable<TarEntry>): Promise<void> {
  await writeAtomically(path, async (file) => {
    const archive = pack();
    const write = async (): Promise<void> => {
      for await (const chunk of archive) await file.writeFile(chunk as Buffer);
    };
    const feed = async (): Promise<void> => {
      for await (const { name, data } of entries)
        await new Promise<void>((resolve, reject) => {
          const done = (error?: Error | null): void => (error ? reject(error) : resolve());
          archive.entry(
            { name, size: data.length, mtime: new Date(0), mode: 0o644 },
            Buffer.from(data),
            done,
          );
        });
      archive.finalize();
    };
    const fed = feed().catch((error: Error) => {
      archive.destroy(error);
      throw error;
    });
    await Promise.all([write(), fed]);
  });
}
