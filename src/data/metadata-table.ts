/**
 * @file The table beside a folder of pictures, `metadata.jsonl` or `metadata.csv` (the `imagefolder` convention of Hugging
 * Face's datasets): each row names its picture in `file_name`. Rows are found once, and read again from their bytes.
 */
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { type Options, parse } from "csv-parse";
import { parse as parseNow } from "csv-parse/sync";
import { DreamError } from "../errors.js";
import { maximumJsonBytes, parseForeignJson } from "../formats/json.js";
import type { FileRange } from "./sample.js";

/** A row of a table; unreadable ones have no name. */
export interface TableRow {
  readonly fileName: string | null;
  readonly range: FileRange;
}

type Record = Readonly<globalThis.Record<string, unknown>>;

/** The same rules for the whole file and for a row alone. */
const csvRules = {
  bom: true,
  skip_empty_lines: true,
  relax_column_count: true,
  record_delimiter: ["\r\n", "\n", "\r"],
  max_record_size: maximumJsonBytes,
} as const satisfies Options;

/** The names of a CSV file's columns; null for JSON lines. @throws DreamError `format` where `file_name` is not among them */
export function columnsOf(table: string): string[] | null {
  if (!table.endsWith(".csv")) return null;
  const descriptor = openSync(table, "r");
  try {
    const head = Buffer.alloc(1 << 16);
    const read = readSync(descriptor, head, 0, head.length, 0);
    const columns = parseCsv(head.subarray(0, read), table, { to: 1 })[0] ?? [];
    if (columns.includes("file_name")) return columns;
    throw refusal(table, "a column `file_name`", columns.slice(0, 10).join(", ") || "no columns");
  } finally {
    closeSync(descriptor);
  }
}

/** Every row of a table, in order. @throws DreamError `format` where a line is longer than 1 MiB, or quotes do not end */
export async function* rowsOf(table: string): AsyncGenerator<TableRow> {
  const columns = columnsOf(table);
  if (columns === null) {
    for (const range of linesOf(table)) yield range;
    return;
  }
  const at = columns.indexOf("file_name");
  const parser = createReadStream(table).pipe(parse({ ...csvRules, info: true }));
  let begin = 0;
  try {
    for await (const { info, record } of parser as AsyncIterable<{
      info: { bytes: number };
      record: string[];
    }>) {
      const range = { offset: begin, size: info.bytes - begin };
      if (begin > 0) yield { fileName: record[at] || null, range };
      begin = info.bytes;
    }
  } catch (cause) {
    if (!(cause instanceof Error) || !("code" in cause)) throw cause;
    throw refusal(table, "comma-separated rows of at most 1 MiB", cause.message, cause);
  }
}

/** A row's fields. @throws DreamError `format` where it cannot be read */
export function recordIn(bytes: Uint8Array, columns: readonly string[] | null, source: string): Record {
  if (columns === null) {
    const value = parseForeignJson(bytes, source);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record;
    throw refusal(source, "a JSON object", "something else");
  }
  const cells = parseCsv(bytes, source, {})[0] ?? [];
  return Object.fromEntries(columns.map((name, i) => [name, cells[i]]));
}

function parseCsv(bytes: Uint8Array, source: string, more: Options): string[][] {
  try {
    return parseNow(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), {
      ...csvRules,
      ...more,
    }) as unknown as string[][];
  } catch (cause) {
    throw refusal(
      source,
      "a comma-separated row",
      cause instanceof Error ? cause.message : String(cause),
      cause,
    );
  }
}

const newline = 0x0a;

/** The lines of a file that are not empty. */
function* linesOf(table: string): Generator<TableRow> {
  const descriptor = openSync(table, "r");
  try {
    // A line of the largest size is found whole in a buffer twice as long.
    const buffer = Buffer.allocUnsafe(2 * maximumJsonBytes);
    let [at, held] = [0, 0];
    for (;;) {
      const read = readSync(descriptor, buffer, held, buffer.length - held, at + held);
      held += read;
      let begin = 0;
      while (begin < held) {
        const found = buffer.subarray(0, held).indexOf(newline, begin);
        const end = found < 0 ? held : found;
        if (end - begin > maximumJsonBytes)
          throw refusal(
            table,
            `lines of at most ${maximumJsonBytes} bytes`,
            `a longer one at byte ${at + begin}`,
          );
        if (found < 0 && read > 0) break;
        const line = buffer.subarray(begin, end);
        if (line.toString("latin1").trim() !== "")
          yield { fileName: fileNameIn(line, table), range: { offset: at + begin, size: end - begin } };
        begin = end + 1;
      }
      if (read === 0) return;
      const kept = Math.max(0, held - begin);
      buffer.copyWithin(0, begin, held);
      [at, held] = [at + begin, kept];
    }
  } finally {
    closeSync(descriptor);
  }
}

function fileNameIn(line: Uint8Array, table: string): string | null {
  try {
    const { file_name: name } = recordIn(line, null, table);
    return typeof name === "string" && name !== "" ? name : null;
  } catch {
    return null;
  }
}

function refusal(source: string, expected: string, got: string, cause?: unknown): DreamError {
  return new DreamError("format", { operation: `read ${source}`, expected, got, cause });
}
