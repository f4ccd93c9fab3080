/**
 * @file Checks the run lengths inside a parquet page. A run of equal numbers takes a few bytes and may claim two billion of
 * them; hyparquet writes what it claims, so a page is looked through before it is handed over.
 * Source: the "RLE / bit-packing hybrid" of the parquet format.
 */
import type { PageHeader } from "hyparquet";

/** What nesting says of a column: the highest levels. */
export interface Levels {
  readonly repetition: number;
  readonly definition: number;
}

/** Encodings whose values take their own bytes, or are runs that are checked here. */
const known: readonly string[] = [
  "PLAIN",
  "PLAIN_DICTIONARY",
  "RLE_DICTIONARY",
  "DELTA_LENGTH_BYTE_ARRAY",
  "DELTA_BINARY_PACKED",
];

/**
 * Looks through a data page.
 * @param levels the bytes in which levels stand: the whole page, or, in version 2, its uncompressed beginning
 * @param page the decompressed bytes; in version 2 without the levels
 * @throws RangeError where runs claim more values than the page has, or the encoding is not known
 */
export function checkRuns(header: PageHeader, levels: Uint8Array, page: Uint8Array, highest: Levels): void {
  const described = header.data_page_header ?? header.data_page_header_v2;
  if (described === undefined) throw new RangeError("a page that does not say what it is");
  const { num_values: values, encoding } = described;
  if (!known.includes(encoding)) throw new RangeError(`values in the encoding ${encoding}`);
  let at = 0;
  const version2 = header.data_page_header_v2;
  if (version2 !== undefined) {
    const split = version2.repetition_levels_byte_length;
    const end = split + version2.definition_levels_byte_length;
    if (highest.repetition > 0) checkHybrid(levels.subarray(0, split), widthOf(highest.repetition), values);
    if (highest.definition > 0) checkHybrid(levels.subarray(split, end), widthOf(highest.definition), values);
  } else
    for (const level of [highest.repetition, highest.definition])
      if (level > 0) {
        const length = new DataView(levels.buffer, levels.byteOffset, levels.length).getUint32(at, true);
        if (length > levels.length - at - 4) throw new RangeError("levels longer than their page");
        checkHybrid(levels.subarray(at + 4, at + 4 + length), widthOf(level), values);
        at += 4 + length;
      }
  if (!encoding.endsWith("DICTIONARY") || at >= page.length) return;
  const width = page[at]!;
  if (width > 32) throw new RangeError(`dictionary places of ${width} bits`);
  if (width > 0) checkHybrid(page.subarray(at + 1), width, values);
}

/** Bits for numbers up to `highest`. */
function widthOf(highest: number): number {
  return 32 - Math.clz32(highest);
}

/** Writers fill the last group of eight; a few groups more are forgiven. */
const forgiven = 512;

function checkHybrid(bytes: Uint8Array, width: number, values: number): void {
  let [at, seen] = [0, 0];
  while (seen < values && at < bytes.length) {
    let [head, scale, byte] = [0, 1, 0x80];
    while (byte >= 0x80) {
      byte = bytes[at++] ?? 0;
      head += (byte & 0x7f) * scale;
      scale *= 128;
    }
    const isPacked = head % 2 === 1;
    const half = Math.floor(head / 2);
    const count = isPacked ? half * 8 : half;
    if (count > values - seen + forgiven)
      throw new RangeError(`a run of ${count} values in a page of ${values}`);
    seen += count;
    at += isPacked ? half * width : Math.ceil(width / 8);
  }
}
