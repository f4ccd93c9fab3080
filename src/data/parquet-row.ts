/** @file One sample from a row of a parquet file. */
import { DreamError } from "../errors.js";
import type { ParquetReader } from "../formats/parquet-reader.js";
import { captionsIn, labelIn } from "./captions.js";
import type { EncodedSample, SampleReference } from "./sample.js";

/** Reads a row. @throws DreamError naming the row where it has no picture or caption */
export async function readRow(
  reader: ParquetReader,
  reference: Extract<SampleReference, { kind: "row" }>,
): Promise<EncodedSample> {
  const { key, file, rowGroup, row, leaves } = reference;
  const source = `${file}: ${key}`;
  const record: Record<string, unknown> = {};
  for (const leaf of [leaves.caption, leaves.label])
    if (leaf !== null) record[leaf[0]!] = await reader.readValue(file, rowGroup, row, leaf);
  const image = await reader.readValue(file, rowGroup, row, leaves.image);
  const bytes = leaves.image.length > 1 ? (image as { bytes?: unknown } | null)?.bytes : image;
  if (!(bytes instanceof Uint8Array))
    throw new DreamError("format", {
      operation: `read ${source}`,
      expected: "a picture's bytes",
      got: "none",
    });
  const captions = captionsIn(source, record);
  return { key, bytes, captions, caption: captions[0], label: labelIn(record), truth: null };
}
