/**
 * @file Decodes single pages of parquet columns: hyparquet is shown a file of one row group and one column that has just these
 * pages, decompressed and looked through already.
 */
import { readSync } from "node:fs";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { decompress as decompressZstd } from "fzstd";
import {
  type ColumnMetaData,
  type CompressionCodec,
  type Compressors,
  type FileMetaData,
  parquetReadObjects,
  type SchemaElement,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { type ColumnPage, type ColumnPages, maximumPageBytes } from "./parquet-pages.js";
import { checkRuns } from "./parquet-runs.js";

/** The values of a leaf from some row of a row group on. */
export interface DecodedPage {
  readonly firstRow: number;
  readonly rows: readonly unknown[];
  readonly bytes: number;
}

/** A column of a row group, and where its pages are. */
export interface ColumnOfGroup {
  readonly descriptor: number;
  readonly schema: readonly SchemaElement[];
  /** The names from the top of the schema to the column. */
  readonly leaf: readonly string[];
  readonly column: ColumnMetaData;
  readonly groupRows: number;
  readonly pages: ColumnPages;
}

/**
 * Decodes the page that holds a row; for a list, whose pages are not cut at rows, all pages of its row group.
 * @throws RangeError where pages claim what they do not have
 */
export async function decodePage(of: ColumnOfGroup, row: number): Promise<DecodedPage> {
  const { descriptor, leaf, column, groupRows, pages } = of;
  const schema = branchOf(of.schema, leaf);
  const isList = schema.some(({ repetition_type: repetition }) => repetition === "REPEATED");
  const chosen = isList
    ? pages.data
    : pages.data.filter(({ firstValue, values }) => row >= firstValue && row < firstValue + values);
  const firstRow = isList ? 0 : (chosen[0]?.firstValue ?? 0);
  const rowCount = isList ? groupRows : (chosen[0]?.values ?? 0);
  const parts = [...(pages.dictionary === null ? [] : [pages.dictionary]), ...chosen];
  const unpacked = parts.reduce((sum, { header }) => sum + header.uncompressed_page_size, 0);
  const packed = parts.reduce((sum, { size }) => sum + size, 0);
  if (Math.max(unpacked, packed) > 2 * maximumPageBytes) throw new RangeError(`pages of ${unpacked} bytes`);
  const bytes = new Uint8Array(packed);
  let at = 0;
  for (const { offset, size } of parts) {
    if (readSync(descriptor, bytes, at, size, offset) !== size) throw new RangeError("it is cut short");
    at += size;
  }
  const unpackedPages = unpack(bytes, parts, column, schema);
  const rows = await parquetReadObjects({
    file: { byteLength: packed, slice: (begin, end) => bytes.buffer.slice(begin, end) },
    metadata: metadataOf(schema, column, rowCount, pages.dictionary?.size ?? 0, packed),
    columns: [leaf[0]!],
    utf8: false,
    // The pages are decompressed and checked already; hyparquet asks for them in their order.
    compressors: { [column.codec]: () => unpackedPages.shift()! },
  });
  return { firstRow, rows: rows.map((one) => one[leaf[0]!] as unknown), bytes: unpacked };
}

/** Decompresses pages and looks through them. @returns those that hyparquet will ask for */
function unpack(
  bytes: Uint8Array,
  parts: readonly ColumnPage[],
  { codec }: ColumnMetaData,
  schema: readonly SchemaElement[],
): Uint8Array[] {
  const highest = {
    repetition: schema.filter(({ repetition_type: kind }) => kind === "REPEATED").length,
    definition: schema.slice(1).filter(({ repetition_type: kind }) => kind !== "REQUIRED").length,
  };
  const unpacked: Uint8Array[] = [];
  let end = 0;
  for (const { header, size } of parts) {
    end += size;
    const whole = bytes.subarray(end - header.compressed_page_size, end);
    const version2 = header.data_page_header_v2;
    const levelBytes =
      version2 === undefined
        ? 0
        : version2.definition_levels_byte_length + version2.repetition_levels_byte_length;
    const length = header.uncompressed_page_size - levelBytes;
    const isPlain = version2 !== undefined && (version2.is_compressed === false || length === 0);
    const isPacked = codec !== "UNCOMPRESSED" && !isPlain;
    const values = whole.subarray(levelBytes);
    const page = isPacked ? decompress(codec, values, length) : values;
    if (isPacked) unpacked.push(page);
    if (header.dictionary_page_header === undefined)
      checkRuns(header, version2 === undefined ? page : whole, page, highest);
  }
  return unpacked;
}

function decompress(codec: CompressionCodec, packed: Uint8Array, length: number): Uint8Array {
  const decompressor = boundedCompressors[codec];
  if (decompressor === undefined) throw new RangeError(`a compression ${codec} that is not known`);
  return decompressor(packed, length);
}
/** The schema's elements from the root to a leaf, each with that one child. */
function branchOf(schema: readonly SchemaElement[], leaf: readonly string[]): SchemaElement[] {
  const branch: SchemaElement[] = [{ ...schema[0]!, num_children: 1 }];
  const open: number[] = [schema[0]!.num_children ?? 0];
  for (const element of schema.slice(1)) {
    while (open.at(-1) === 0) open.pop();
    const depth = open.length;
    open[depth - 1]!--;
    const isOnBranch = branch.length === depth && element.name === leaf[depth - 1];
    const children = element.num_children ?? 0;
    if (isOnBranch) branch.push(children > 0 ? { ...element, num_children: 1 } : element);
    if (children > 0) open.push(children);
  }
  if (branch.length !== leaf.length + 1) throw new RangeError(`no column ${leaf.join(".")}`);
  return branch;
}

/** What hyparquet is told: a file of one row group with one column, which is the pages that were read. */
function metadataOf(
  schema: SchemaElement[],
  column: ColumnMetaData,
  rowCount: number,
  dictionaryBytes: number,
  bytes: number,
): FileMetaData {
  const { dictionary_page_offset: _, statistics: __, ...kept } = column;
  return {
    version: 2,
    schema,
    num_rows: BigInt(rowCount),
    metadata_length: 0,
    row_groups: [
      {
        num_rows: BigInt(rowCount),
        total_byte_size: BigInt(bytes),
        columns: [
          {
            file_offset: 0n,
            meta_data: {
              ...kept,
              // An offset of 0 counts as none; with a dictionary, its pages still begin at the first byte.
              data_page_offset: 0n,
              total_compressed_size: BigInt(bytes),
              ...(dictionaryBytes > 0 ? { dictionary_page_offset: 0n } : {}),
            },
          },
        ],
      },
    ],
  };
}

/**
 * Decompressors that give no more than a page says it has. Node's own are faster where it has them, and fzstd, which
 * hyparquet-compressors uses too, is told of the bound here, which that leaves out.
 */
const boundedCompressors: Compressors = {
  ...compressors,
  GZIP: (input, outputLength) => gunzipSync(input, { maxOutputLength: Math.max(1, outputLength) }),
  ZSTD: (input, outputLength) => decompressZstd(input, new Uint8Array(outputLength)),
  BROTLI: (input, outputLength) =>
    brotliDecompressSync(input, { maxOutputLength: Math.max(1, outputLength) }),
};
