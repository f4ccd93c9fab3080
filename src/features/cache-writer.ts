/**
 * @file Fills a feature cache shard by shard: pictures decoded in worker threads while the frozen models run on the ones before. A
 * shard is whole or absent, so an interrupted cache goes on with the next one.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { LoadedSample, Loader } from "../data/loader.js";
import { DreamError } from "../errors.js";
import { writeAtomically } from "../formats/atomic.js";
import { crc32 } from "../formats/crc32.js";
import { type PutRow, writeSafetensors, writeSafetensorsRows } from "../formats/safetensors.js";
import { cat, noGrad, scope, type Tensor } from "../tensor/index.js";
import {
  type CacheIndex,
  checkedParts,
  indexFile,
  readCacheIndex,
  rowsIn,
  shardCount,
  shardFile,
  shardLayout,
} from "./cache-format.js";
import { emptyCaptionFile } from "./cached-features.js";
import type { CaptionReader } from "./caption-reader.js";
import type { PictureCodec } from "./picture-codec.js";
import { squaresOf } from "./pixels.js";

/** Samples that go through the frozen models at a time. */
const window = 16;

export interface CacheSources {
  readonly loader: Loader;
  readonly codec: PictureCodec;
  readonly captions: CaptionReader;
}

export interface CacheOptions {
  /** Which of so many processes this one is, from 0; each fills every so-manieth shard. */
  readonly part: { readonly number: number; readonly of: number };
  /** Told of the rows done by now, of this process's, and whether they were there before. */
  readonly onProgress: (done: number, all: number, found: number) => void;
  /** Ends the work with its reason; shards that are whole stay. */
  readonly signal: AbortSignal;
}

/**
 * Writes what is missing of a cache.
 * @returns how many samples could not be read, of those read now
 * @throws DreamError `value` where the folder holds a cache of something else; it is left as it was
 */
export async function fillCache(
  folder: string,
  index: CacheIndex,
  sources: CacheSources,
  { part, onProgress, signal }: CacheOptions,
): Promise<{ readonly broken: number }> {
  await writeIndex(folder, index);
  await writeEmptyCaption(folder, index, sources.captions);
  const mine = Array.from({ length: shardCount(index) }, (_, shard) => shard).filter(
    (shard) => shard % part.of === part.number,
  );
  const all = mine.reduce((sum, shard) => sum + rowsIn(index, shard), 0);
  const there = mine.filter((shard) => existsSync(join(folder, shardFile(index, shard))));
  const found = there.reduce((sum, shard) => sum + rowsIn(index, shard), 0);
  let [done, broken] = [found, 0];
  for (const shard of mine) {
    if (there.includes(shard)) continue;
    const first = shard * index.rowsPerShard;
    const rows = rowsIn(index, shard);
    await writeSafetensorsRows(
      join(folder, shardFile(index, shard)),
      shardLayout(index, rows),
      {},
      async (put) => {
        for await (const { start, samples } of ahead(sources.loader, first, rows)) {
          signal.throwIfAborted();
          broken += await putRows(put, start - first, samples, start, index, sources);
          done += samples.length;
          onProgress(done, all, found);
        }
      },
    );
  }
  if (found === all) onProgress(all, all, found);
  return { broken };
}

/** Samples in order, the next ones being decoded while these are used. */
async function* ahead(
  loader: Loader,
  first: number,
  rows: number,
): AsyncGenerator<{ readonly start: number; readonly samples: readonly LoadedSample[] }> {
  const fetch = (start: number): Promise<readonly LoadedSample[]> => {
    const numbers = Array.from({ length: Math.min(window, first + rows - start) }, (_, i) => start + i);
    return loader.load(numbers.map((number) => ({ number, view: { kind: "centre" } })));
  };
  let coming = fetch(first);
  for (let start = first; start < first + rows; start += window) {
    const samples = await coming;
    if (start + window < first + rows) {
      coming = fetch(start + window);
      // A failure is told when they are taken.
      coming.catch(() => {});
    }
    yield { start, samples };
  }
}

/** @param row of the first sample in its shard @param start its number @returns how many could not be read */
async function putRows(
  put: PutRow,
  row: number,
  samples: readonly LoadedSample[],
  start: number,
  index: CacheIndex,
  { codec, captions }: CacheSources,
): Promise<number> {
  const features = noGrad(() =>
    scope(() => {
      const pixels = squaresOf(samples, index.sizePixels);
      const encoded = codec.encode(cat([pixels, pixels.flip(3)], 0)).to({ dtype: "float16" });
      const texts = samples.map(({ caption }) => caption);
      const B = samples.length;
      const parts = new Map<string, Uint8Array[]>([
        ["encoded", rowsOf(encoded.narrow(0, 0, B))],
        ["mirrored", rowsOf(encoded.narrow(0, B, B))],
        ["ids", rowsOf(captions.ids(texts).to({ dtype: "int32" }))],
        ["label", samples.map(({ label }) => new Uint8Array(Int32Array.of(label ?? -1).buffer))],
      ]);
      if (index.states !== null) parts.set("states", rowsOf(captions.told(texts).to({ dtype: "float16" })));
      return parts;
    }),
  );
  if (index.pixels === "kept")
    features.set(
      "pixels",
      samples.map(({ pixels }) => pixels),
    );
  let broken = 0;
  for (const [i, { number }] of samples.entries()) {
    if (number !== start + i) {
      broken++;
      continue;
    }
    const names = checkedParts(index);
    const sums = Uint32Array.from(names, (name) => crc32(features.get(name)![i]!));
    for (const name of names) await put(name, row + i, features.get(name)![i]!);
    await put("checksums", row + i, new Uint8Array(sums.buffer));
    await put("whole", row + i, Uint8Array.of(1));
  }
  return broken;
}

/** Each row's bytes. */
function rowsOf(tensor: Tensor): Uint8Array[] {
  const bytes = tensor.contiguous().toBytes();
  const B = tensor.size(0);
  const length = bytes.length / B;
  return Array.from({ length: B }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}

async function writeIndex(folder: string, index: CacheIndex): Promise<void> {
  const path = join(folder, indexFile);
  if (!existsSync(path)) {
    await writeAtomically(path, (file) => file.writeFile(`${JSON.stringify(index, null, 2)}\n`));
    return;
  }
  const there = readCacheIndex(folder);
  const differing = Object.keys(index).filter(
    (key) => !isDeepStrictEqual(there[key as keyof CacheIndex], index[key as keyof CacheIndex]),
  );
  if (differing.length > 0)
    throw new DreamError("value", {
      operation: `go on with the cache in ${folder}`,
      expected: "the same data, frozen models and settings as when it was begun",
      got: `another ${differing.join(", ")}`,
      hint: "choose another folder, or remove that one",
    });
}

async function writeEmptyCaption(folder: string, index: CacheIndex, captions: CaptionReader): Promise<void> {
  const [dtype, type] = index.states === null ? (["I32", "int32"] as const) : (["F32", "float32"] as const);
  const told = noGrad(() => scope(() => captions.told([""]).to({ dtype: type })));
  try {
    const bytes = (): Uint8Array => told.toBytes();
    await writeSafetensors(join(folder, emptyCaptionFile), [
      { name: "told", dtype, shape: told.shape, bytes },
    ]);
  } finally {
    told.dispose();
  }
}
