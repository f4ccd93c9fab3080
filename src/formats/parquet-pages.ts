/**
 * @file The pages of a parquet column, found by hopping from header to header, so that a row is read from its own page instead
 * of a whole row group, and so that what pages claim is checked before anything is decompressed.
 */
import { readSync } from "node:fs";
import type { ColumnMetaData, PageHeader } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { endOfStruct } from "./thrift.js";

/** Pages that are larger, compressed or not, are refused. */
export const maximumPageBytes = 1 << 28;

/** Pages and row groups of more values are refused. */
export const maximumValues = 10_000_000;

/** Headers carry statistics of at most some kilobytes. */
const maximumHeaderBytes = 1 << 16;

/** A page of a column, header included. */
export interface ColumnPage {
  readonly offset: number;
  readonly size: number;
  /** The number of its first value in the row group; values are rows where the column is not a list. */
  readonly firstValue: number;
  readonly values: number;
  readonly header: PageHeader;
}

export interface ColumnPages {
  readonly dictionary: ColumnPage | null;
  readonly data: readonly ColumnPage[];
}

/**
 * Lists the pages of a column of a row group.
 * @throws RangeError where sizes or numbers go beyond the file, the row group or the bounds
 */
export function pagesOf(descriptor: number, fileBytes: number, column: ColumnMetaData): ColumnPages {
  const begin = Number(column.dictionary_page_offset || column.data_page_offset);
  const end = begin + Number(column.total_compressed_size);
  const total = Number(column.num_values);
  if (!(begin >= 4 && end > begin && end <= fileBytes))
    throw new RangeError("a column lies outside of the file");
  if (!(total >= 0 && total <= maximumValues)) throw new RangeError(`a row group of ${total} values`);
  let dictionary: ColumnPage | null = null;
  const data: ColumnPage[] = [];
  let values = 0;
  for (let at = begin; at < end && values < total; ) {
    const { header, headerBytes } = readHeader(descriptor, at, end);
    const size = headerBytes + header.compressed_page_size;
    if (at + size > end) throw new RangeError(`a page of ${size} bytes goes beyond its column`);
    const count = checkedValues(header);
    const page = { offset: at, size, firstValue: values, values: count, header };
    if (header.type === "DICTIONARY_PAGE") dictionary = page;
    else if (header.type === "DATA_PAGE" || header.type === "DATA_PAGE_V2") {
      data.push(page);
      values += count;
    }
    at += size;
  }
  if (values !== total) throw new RangeError(`pages of ${values} values where ${total} are expected`);
  return { dictionary, data };
}

/** A header, read with a guess of its length first. */
function readHeader(
  descriptor: number,
  at: number,
  end: number,
): { readonly header: PageHeader; readonly headerBytes: number } {
  for (let guess = 256; ; guess = maximumHeaderBytes) {
    const bytes = Buffer.alloc(Math.min(guess, end - at));
    const read = readSync(descriptor, bytes, 0, bytes.length, at);
    try {
      const headerBytes = endOfStruct(bytes.subarray(0, read), 0);
      const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
      return { header: parquetHeader({ view, offset: 0 }), headerBytes };
    } catch (error) {
      if (!(error instanceof RangeError) || guess === maximumHeaderBytes) throw error;
    }
  }
}

/** How many values a page says that it has, once all that it says is found to be within bounds. */
function checkedValues(header: PageHeader): number {
  const { compressed_page_size: packed, uncompressed_page_size: unpacked } = header;
  if (!isWithin(packed, maximumPageBytes) || !isWithin(unpacked, maximumPageBytes))
    throw new RangeError(`a page of ${unpacked} bytes, compressed ${packed}`);
  const described = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
  const count = described?.num_values ?? 0;
  if (!isWithin(count, maximumValues)) throw new RangeError(`a page of ${count} values`);
  // A byte holds at most eight values by their bits; but runs of equal ones need next to nothing, so only the bound holds there.
  const levels = header.data_page_header_v2;
  if (levels !== undefined) {
    const { definition_levels_byte_length: definitions, repetition_levels_byte_length: repetitions } = levels;
    if (!isWithin(definitions, packed) || !isWithin(repetitions, packed - definitions))
      throw new RangeError("a page whose levels are longer than itself");
  }
  return count;
}

function isWithin(value: number, maximum: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= maximum;
}
