/**
 * @file Reads samples by reference, in any thread. Files stay open while they are used, at most so many at a time. Reading is
 * synchronous: a picture costs some 20 microseconds from the system's cache, and threads read beside one another.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DreamError } from "../errors.js";
import { pathInside } from "../formats/inside.js";
import { maximumJsonBytes, parseForeignJson } from "../formats/json.js";
import { ParquetReader } from "../formats/parquet-reader.js";
import { captionsIn, labelIn, maximumCaptionBytes } from "./captions.js";
import { recordIn } from "./metadata-table.js";
import { readRow } from "./parquet-row.js";
import type { EncodedSample, FileRange, SampleReference } from "./sample.js";

/** Larger pictures' files are refused. */
export const maximumPictureBytes = 1 << 28;

/** Files that stay open. */
const openFiles = 64;

type Kind<K extends SampleReference["kind"]> = Extract<SampleReference, { kind: K }>;

/** What a sample is called in errors: its file and its key. */
export function nameOf(reference: SampleReference): string {
  switch (reference.kind) {
    case "members":
      return `${reference.archive}: ${reference.key}`;
    case "line":
      return `${reference.table}: ${reference.key}`;
    case "file":
      return `${reference.folder}/${reference.key}`;
    case "row":
      return `${reference.file}: ${reference.key}`;
  }
}

export class SampleReader {
  /** Descriptors by path, the one used last at the end. */
  readonly #descriptors = new Map<string, number>();
  readonly #parquet = new ParquetReader();

  /** @throws DreamError naming the sample and what is wrong with it */
  async read(reference: SampleReference): Promise<EncodedSample> {
    switch (reference.kind) {
      case "members":
        return this.#readMembers(reference);
      case "line":
        return this.#readLine(reference);
      case "file":
        return this.#readFile(reference);
      case "row":
        return readRow(this.#parquet, reference);
    }
  }

  async close(): Promise<void> {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
    this.#parquet.close();
  }

  #readMembers(reference: Kind<"members">): EncodedSample {
    const { key, archive, picture, text, json } = reference;
    const source = nameOf(reference);
    const truth =
      json === null ? null : parseForeignJson(this.#bytes(archive, json, maximumJsonBytes, source), source);
    const spoken =
      text === null ? "" : this.#bytes(archive, text, maximumCaptionBytes, source).toString("utf8").trim();
    const captions: [string, ...string[]] = spoken === "" ? captionsIn(source, truth) : [spoken];
    const bytes = this.#bytes(archive, picture, maximumPictureBytes, source);
    return { key, bytes, captions, caption: captions[0], label: labelIn(truth), truth };
  }

  #readLine(reference: Kind<"line">): EncodedSample {
    const { key, folder, table, columns, row } = reference;
    const source = nameOf(reference);
    const record = recordIn(this.#bytes(table, row, maximumJsonBytes, source), columns, source);
    const captions = captionsIn(source, record);
    const bytes = this.#whole(pathInside(folder, String(record.file_name ?? "")));
    return { key, bytes, captions, caption: captions[0], label: labelIn(record), truth: record };
  }

  #readFile({ key, folder, className, label }: Kind<"file">): EncodedSample {
    const caption = className.replaceAll("_", " ").trim();
    const bytes = this.#whole(pathInside(folder, key));
    return { key, bytes, captions: [caption], caption, label, truth: null };
  }

  /** A file of its own, which is not kept open. */
  #whole(path: string): Buffer {
    const descriptor = openToRead(path);
    try {
      return readRange(
        path,
        descriptor,
        { offset: 0, size: fstatSync(descriptor).size },
        maximumPictureBytes,
        path,
      );
    } finally {
      closeSync(descriptor);
    }
  }

  #bytes(path: string, range: FileRange, maximum: number, source: string): Buffer {
    return readRange(path, this.#open(path), range, maximum, source);
  }

  #open(path: string): number {
    const descriptor = this.#descriptors.get(path) ?? openToRead(path);
    this.#descriptors.delete(path);
    this.#descriptors.set(path, descriptor);
    if (this.#descriptors.size > openFiles) {
      const [[oldest, unused]] = this.#descriptors as unknown as [[string, number]];
      closeSync(unused);
      this.#descriptors.delete(oldest);
    }
    return descriptor;
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, hint: "check the path", cause });
  }
}

function readRange(
  path: string,
  descriptor: number,
  { offset, size }: FileRange,
  maximum: number,
  source: string,
): Buffer {
  const refuse = (expected: string, got: string): DreamError =>
    new DreamError("format", { operation: `read ${source}`, expected, got });
  if (size > maximum) throw refuse(`at most ${maximum} bytes`, `${size}`);
  const bytes = Buffer.allocUnsafeSlow(size);
  const read = size === 0 ? 0 : readSync(descriptor, bytes, 0, size, offset);
  if (read !== size)
    throw refuse(`${size} bytes at ${offset} of ${path}`, `${read}: the file has become shorter`);
  return bytes;
}
