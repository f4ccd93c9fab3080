/** @file What a parquet file says of itself, checked against the file and against bounds before hyparquet parses it. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { type FileMetaData, parquetMetadata, type SchemaElement } from "hyparquet";
import { DreamError } from "../errors.js";
import { maximumValues } from "./parquet-pages.js";
import { endOfStruct } from "./thrift.js";

/** Larger footers are refused. */
const maximumFooterBytes = 1 << 26;

/** What a file says of itself. */
export interface ParquetFile {
  readonly path: string;
  readonly bytes: number;
  readonly metadata: FileMetaData;
  /** The rows of each row group. */
  readonly rowCounts: readonly number[];
  /** The leaves of the schema, each by the names from the top to it. */
  readonly leaves: readonly (readonly string[])[];
}

/** Reads a file's footer. @throws DreamError `io` where it cannot be opened, `format` where it is damaged */
export function openParquetFile(path: string): ParquetFile {
  const descriptor = openParquetBytes(path);
  try {
    return readFooter(path, descriptor);
  } catch (cause) {
    throw damagedParquet(path, cause);
  } finally {
    closeSync(descriptor);
  }
}

function readFooter(path: string, descriptor: number): ParquetFile {
  const bytes = fstatSync(descriptor).size;
  const tail = Buffer.alloc(8);
  if (
    bytes < 12 ||
    readSync(descriptor, tail, 0, 8, bytes - 8) !== 8 ||
    tail.toString("latin1", 4) !== "PAR1"
  )
    throw new RangeError("no parquet footer at its end");
  const length = tail.readUInt32LE(0);
  if (length > Math.min(maximumFooterBytes, bytes - 12)) throw new RangeError(`a footer of ${length} bytes`);
  const footer = new Uint8Array(length + 8);
  if (readSync(descriptor, footer, 0, footer.length, bytes - footer.length) !== footer.length)
    throw new RangeError("it is cut short");
  if (endOfStruct(footer, 0) > length) throw new RangeError("a footer longer than it says");
  const metadata = parquetMetadata(footer, { geoparquet: false });
  const rowCounts = metadata.row_groups.map(({ num_rows: rows }) => Number(rows));
  if (!rowCounts.every((rows) => rows >= 0 && rows <= maximumValues))
    throw new RangeError(`row groups of ${rowCounts.slice(0, 5).join(", ")} rows`);
  return { path, bytes, metadata, rowCounts, leaves: leavesOf(metadata.schema) };
}

/** The schema comes as a list in which each element says how many of the following are its children. */
function leavesOf(schema: readonly SchemaElement[]): string[][] {
  const leaves: string[][] = [];
  const open: { names: readonly string[]; left: number }[] = [];
  for (const [i, { name, num_children: children = 0 }] of schema.entries()) {
    while (open.length > 0 && open.at(-1)!.left === 0) open.pop();
    const parent = open.at(-1);
    if (parent !== undefined) parent.left--;
    const names = i === 0 ? [] : [...(parent?.names ?? []), name];
    if (children > 0) open.push({ names, left: children });
    else if (i > 0) leaves.push(names);
    if (open.length > 16) throw new RangeError("a schema more than 16 deep");
  }
  return leaves;
}

export function openParquetBytes(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, hint: "check the path", cause });
  }
}

export function damagedParquet(path: string, cause: unknown): DreamError {
  if (cause instanceof DreamError) return cause;
  return new DreamError("format", {
    operation: `read ${path}`,
    expected: "a parquet file",
    got: cause instanceof Error ? cause.message : String(cause),
    hint: "the file is damaged or of an unusual kind; copy or download it again, or leave it out",
    cause,
  });
}
