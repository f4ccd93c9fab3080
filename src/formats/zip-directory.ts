/**
 * @file The directory of a zip archive, as PyTorch's checkpoints and NumPy's archives are: where each entry's bytes lie, for reading them
 * in place where they are stored as they are.
 */
import { closeSync, fstatSync } from "node:fs";
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from "yauzl";
import { DreamError } from "../errors.js";
import { openForReading, readAt } from "./file-bytes.js";

/** Where an entry's bytes lie in its file. */
export interface StoredEntry {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Whether the bytes are the content, and not a compressed or encrypted form of it. */
  readonly isPlain: boolean;
  /** Bytes of the content where it is deflated; null where it is anything else. */
  readonly deflatedFrom: number | null;
  /** CRC-32 of the bytes; 0 where the writer left it out. */
  readonly checksum: number;
}

/** More entries are refused. */
const maximumEntries = 1_000_000;

/**
 * Lists an archive's entries by name, without reading them.
 * @throws DreamError `io` where it cannot be opened; `format` where it is damaged, cut short, or has two entries of one name
 */
export async function indexZip(path: string): Promise<Map<string, StoredEntry>> {
  const descriptor = openForReading(path);
  try {
    return await readDirectory(path, descriptor);
  } catch (cause) {
    if (cause instanceof DreamError) throw cause;
    throw damaged(path, { message: cause instanceof Error ? cause.message : String(cause), cause });
  } finally {
    closeSync(descriptor);
  }
}

/** A file under yauzl's hands; positions are checked here, because archives can claim any. */
class FileReader extends RandomAccessReader {
  constructor(
    readonly path: string,
    readonly descriptor: number,
    readonly size: number,
  ) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    try {
      if (!(position >= 0 && position + length <= this.size))
        throw damaged(this.path, {
          expected: `${length} bytes at ${position}`,
          got: `a file of ${this.size} bytes`,
        });
      buffer.set(readAt(this.path, this.descriptor, position, length), offset);
    } catch (error) {
      callback(error as Error);
      return;
    }
    callback(null, length);
  }
}

async function readDirectory(path: string, descriptor: number): Promise<Map<string, StoredEntry>> {
  const { size } = fstatSync(descriptor);
  const entries = new Map<string, StoredEntry>();
  const reader = new FileReader(path, descriptor, size);
  const archive: ZipFile = await fromRandomAccessReaderPromise(reader, size, { strictFileNames: true });
  const { entryCount } = archive;
  if (entryCount > maximumEntries)
    throw damaged(path, { expected: `at most ${maximumEntries} entries`, got: `${entryCount}` });
  for await (const entry of archive.eachEntry()) {
    const { fileName: name, compressedSize, compressionMethod, relativeOffsetOfLocalHeader } = entry;
    const fail = (expected: string, got: string): DreamError =>
      damaged(path, { expected: `${expected} for entry ${JSON.stringify(name.slice(0, 80))}`, got });
    if (entries.has(name)) throw fail("one place", "two");
    const offset = dataOffset(path, descriptor, relativeOffsetOfLocalHeader, size, fail);
    if (!(offset + compressedSize <= size))
      throw fail(`${compressedSize} bytes from ${offset}`, `a file of ${size} bytes`);
    const isPlain = compressionMethod === 0 && !entry.isEncrypted();
    const deflatedFrom = compressionMethod === 8 && !entry.isEncrypted() ? entry.uncompressedSize : null;
    entries.set(name, { name, offset, size: compressedSize, isPlain, deflatedFrom, checksum: entry.crc32 });
  }
  return entries;
}

const localSignature = 0x04034b50;
const localBytes = 30;

/** Where the bytes begin: behind the local header, whose name and extra field have lengths of their own. */
function dataOffset(
  path: string,
  descriptor: number,
  at: number,
  size: number,
  fail: (expected: string, got: string) => DreamError,
): number {
  if (!(at + localBytes <= size)) throw fail(`a header at ${at}`, `a file of ${size} bytes`);
  const header = Buffer.from(readAt(path, descriptor, at, localBytes).buffer);
  if (header.readUInt32LE(0) !== localSignature) throw fail(`a header at ${at}`, "other bytes");
  return at + localBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
}

function damaged(
  path: string,
  details: { message?: string; expected?: string; got?: string; cause?: unknown },
): DreamError {
  return new DreamError("format", {
    operation: `read ${path}`,
    ...details,
    hint: "the file is damaged or no zip archive; copy or download it again",
  });
}
