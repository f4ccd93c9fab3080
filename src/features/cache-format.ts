/**
 * @file A feature cache on disk: `index.json` and a few large safetensors files. A sample is a row: the encoded crop and its mirror
 * image (float16), what the decoder is told (float16 states, left out where it is the ids), the text tower's ids, the class (-1 where
 * none is known), and on request the crop's pixels; every row has a checksum for each of these.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DreamError } from "../errors.js";
import type { SafetensorsSource } from "../formats/safetensors.js";

const count = z.int().positive();

const indexSchema = z.strictObject({
  format: z.literal("dream-features"),
  version: z.literal(2),
  source: z.strictObject({ location: z.string(), fingerprint: z.string(), count }),
  /** The recipe's codec and captions, and what they were when the cache was made. */
  description: z.unknown(),
  identity: z.strictObject({ codec: z.string(), captions: z.string() }),
  sizePixels: count,
  rowsPerShard: count,
  /** [K, h, w] of an encoded picture. */
  encoded: z.tuple([count, count, count]),
  /** Ids of the text tower. */
  contextLength: count,
  /** [L, W] that the decoder is told, or null where it is told the ids. */
  states: z.tuple([count, count]).nullable(),
  pixels: z.enum(["kept", "left-out"]),
});

/** What a cache holds, and of what. */
export type CacheIndex = z.infer<typeof indexSchema>;

/** What a row holds. */
export type RowContent = Pick<CacheIndex, "encoded" | "contextLength" | "states" | "pixels" | "sizePixels">;

export const indexFile = "index.json";

/** Larger index files are refused before they are read. */
const maximumIndexBytes = 1_000_000;

/** @throws DreamError naming the file where it is missing or no index */
export function readCacheIndex(folder: string): CacheIndex {
  const path = join(folder, indexFile);
  try {
    if (statSync(path).size > maximumIndexBytes) throw new Error(`more than ${maximumIndexBytes} bytes`);
    const parsed = indexSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error));
  } catch (cause) {
    throw new DreamError("format", {
      operation: `read ${path}`,
      message: cause instanceof Error ? cause.message : String(cause),
      hint: "name a feature cache's folder, as `dream cache` writes it",
      cause,
    });
  }
}

export function shardCount({ source, rowsPerShard }: CacheIndex): number {
  return Math.ceil(source.count / rowsPerShard);
}

export function shardFile(index: CacheIndex, shard: number): string {
  const padded = (n: number): string => String(n).padStart(5, "0");
  return `features-${padded(shard)}-of-${padded(shardCount(index))}.safetensors`;
}

/** Samples in a shard; the last one may have fewer. */
export function rowsIn({ source, rowsPerShard }: CacheIndex, shard: number): number {
  return Math.min(rowsPerShard, source.count - shard * rowsPerShard);
}

/** A row's parts that have a checksum, in the checksums' order; the mirror image has its own. */
export function checkedParts({ states, pixels }: Pick<RowContent, "states" | "pixels">): string[] {
  return [
    "encoded",
    "mirrored",
    "ids",
    "label",
    ...(states === null ? [] : ["states"]),
    ...(pixels === "kept" ? ["pixels"] : []),
  ];
}

/** A shard's tensors. `whole` is 1 for each row whose sample could be read. */
export function shardLayout(
  index: RowContent,
  rows: number,
): Pick<SafetensorsSource, "name" | "dtype" | "shape">[] {
  const { encoded, contextLength, states, pixels, sizePixels } = index;
  return [
    { name: "whole", dtype: "U8", shape: [rows, 1] },
    { name: "checksums", dtype: "I32", shape: [rows, checkedParts(index).length] },
    { name: "encoded", dtype: "F16", shape: [rows, ...encoded] },
    { name: "mirrored", dtype: "F16", shape: [rows, ...encoded] },
    { name: "ids", dtype: "I32", shape: [rows, contextLength] },
    { name: "label", dtype: "I32", shape: [rows, 1] },
    ...(states === null ? [] : [{ name: "states", dtype: "F16" as const, shape: [rows, ...states] }]),
    ...(pixels === "kept"
      ? [{ name: "pixels", dtype: "U8" as const, shape: [rows, sizePixels, sizePixels, 3] }]
      : []),
  ];
}

/** Bytes on disk for each sample. */
export function bytesPerSample(index: RowContent): number {
  const bytes = { U8: 1, F16: 2, I32: 4 } as const;
  return shardLayout(index, 1).reduce(
    (sum, { dtype, shape }) => sum + shape.reduce((product, size) => product * size, bytes[dtype as "U8"]),
    0,
  );
}
