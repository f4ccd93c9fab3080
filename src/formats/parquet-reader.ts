/** @file Reads single values of parquet files; what was read last is kept for the rows beside it. */
import { closeSync } from "node:fs";
import { damagedParquet, openParquetBytes, openParquetFile, type ParquetFile } from "./parquet.js";
import { type ColumnOfGroup, type DecodedPage, decodePage } from "./parquet-decoding.js";
import { type ColumnPages, pagesOf } from "./parquet-pages.js";

/** Decoded pages that are kept by a reader, so that rows read in order share them; at least the last one is kept. */
const keptBytes = 1 << 28;

/** Files that stay open. */
const keptFiles = 16;

interface OpenFile extends ParquetFile {
  readonly descriptor: number;
  /** By row group and leaf. */
  readonly pages: Map<string, ColumnPages>;
}

/** Reads single rows; what was read last is kept for the rows beside it. */
export class ParquetReader {
  readonly #files = new Map<string, OpenFile>();
  readonly #decoded = new Map<string, DecodedPage>();

  /**
   * A leaf's value in a row, in the objects that it stands in: `{ image: { bytes } }` for the leaf `image.bytes`.
   * @param row counted from 0 in its row group
   * @throws DreamError `format` where the file is damaged
   */
  async readValue(path: string, rowGroup: number, row: number, leaf: readonly string[]): Promise<unknown> {
    const name = [path, rowGroup, ...leaf].join("\0");
    const kept = this.#decoded.get(name);
    if (kept !== undefined && row >= kept.firstRow && row < kept.firstRow + kept.rows.length)
      return kept.rows[row - kept.firstRow];
    let page: DecodedPage;
    try {
      page = await decodePage(columnOf(this.#open(path), rowGroup, leaf), row);
    } catch (cause) {
      throw damagedParquet(path, cause);
    }
    this.#keep(name, page);
    return page.rows[row - page.firstRow];
  }

  close(): void {
    for (const { descriptor } of this.#files.values()) closeSync(descriptor);
    this.#files.clear();
    this.#decoded.clear();
  }

  #keep(name: string, page: DecodedPage): void {
    this.#decoded.delete(name);
    let bytes = page.bytes;
    for (const other of this.#decoded.values()) bytes += other.bytes;
    for (const [oldest, other] of this.#decoded) {
      if (bytes <= keptBytes) break;
      this.#decoded.delete(oldest);
      bytes -= other.bytes;
    }
    this.#decoded.set(name, page);
  }

  #open(path: string): OpenFile {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = { ...openParquetFile(path), descriptor: openParquetBytes(path), pages: new Map() };
      for (const [oldest, { descriptor }] of this.#files) {
        if (this.#files.size < keptFiles) break;
        closeSync(descriptor);
        this.#files.delete(oldest);
      }
      this.#files.set(path, file);
    }
    return file;
  }
}

/** Everything of a file is read before the first await, so that it may be closed for another one then. */
function columnOf(file: OpenFile, rowGroup: number, leaf: readonly string[]): ColumnOfGroup {
  const { descriptor, bytes, metadata, rowCounts, pages } = file;
  const column = metadata.row_groups[rowGroup]?.columns.find(
    ({ meta_data: meta }) => meta?.path_in_schema.join("\0") === leaf.join("\0"),
  )?.meta_data;
  if (column === undefined) throw new RangeError(`no column ${leaf.join(".")} in row group ${rowGroup}`);
  const name = [rowGroup, ...leaf].join("\0");
  const known = pages.get(name) ?? pagesOf(descriptor, bytes, column);
  // A file may have very many row groups; the lists of pages of a few are enough.
  if (pages.size > 64) pages.clear();
  pages.set(name, known);
  return { descriptor, schema: metadata.schema, leaf, column, groupRows: rowCounts[rowGroup]!, pages: known };
}
