/** @file Features read from a cache: a few preads a sample, checked, and the same draws as where pictures are read live. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DreamError } from "../errors.js";
import { crc32 } from "../formats/crc32.js";
import { openSafetensors, type SafetensorsEntry, type SafetensorsFile } from "../formats/safetensors.js";
import { type DType, noGrad, scope, type Tensor, tensor, tensorFromBytes, where } from "../tensor/index.js";
import type { AlignmentEncoder } from "./alignment-encoder.js";
import {
  type CacheIndex,
  checkedParts,
  readCacheIndex,
  rowsIn,
  shardCount,
  shardFile,
  shardLayout,
} from "./cache-format.js";
import type { FeatureBatch, FeatureSource } from "./feature-batch.js";
import { classesOf } from "./labels.js";
import type { PictureCodec } from "./picture-codec.js";
import { squaresOf } from "./pixels.js";
import { StepDraws } from "./step-draws.js";

export const emptyCaptionFile = "empty-caption.safetensors";

/** A sample's place, and what its parts sum to. */
interface CachedRow {
  readonly file: SafetensorsFile;
  readonly row: number;
  readonly sums: DataView;
}

export class CachedFeatures implements FeatureSource {
  readonly index: CacheIndex;
  readonly emptyCaption: Tensor;
  readonly #shards: readonly SafetensorsFile[];
  /** 1 for each sample that could be read. */
  readonly #whole: Uint8Array;

  /**
   * @param draw `seed` of flips and of the posterior's noise, and the share of pictures turned left to right
   * @throws DreamError where the cache is not finished, or a file of it is damaged
   */
  constructor(
    readonly folder: string,
    readonly codec: PictureCodec,
    readonly alignment: AlignmentEncoder | null,
    readonly draw: { readonly seed: number; readonly flip: number },
  ) {
    this.index = readCacheIndex(folder);
    if (alignment !== null && this.index.pixels !== "kept")
      throw new DreamError("value", {
        operation: `open ${folder}`,
        expected: "a cache that keeps pixels, since the model is aligned to what another one sees in them",
        got: "one without",
        hint: "make one with `dream cache --pixels`",
      });
    this.#shards = openShards(folder, this.index);
    this.#whole = new Uint8Array(this.count);
    for (const [shard, file] of this.#shards.entries())
      this.#whole.set(file.tensors.get("whole")!.bytes(), shard * this.index.rowsPerShard);
    if (!this.#whole.includes(1))
      throw new DreamError("value", {
        operation: `open ${folder}`,
        expected: "at least one sample that could be read",
        got: "none",
      });
    const empty = openSafetensors(join(folder, emptyCaptionFile)).tensors.get("told");
    if (empty === undefined)
      throw new DreamError("format", {
        operation: `read ${join(folder, emptyCaptionFile)}`,
        expected: "`told`",
        got: "none",
      });
    this.emptyCaption =
      this.index.states === null
        ? tensorFromBytes(empty.bytes(), empty.shape, "int32").to({ dtype: "int64" }).persist()
        : tensorFromBytes(empty.bytes(), empty.shape, "float32").persist();
  }

  get count(): number {
    return this.index.source.count;
  }

  batch(numbers: readonly number[], step: number, firstPlace: number): FeatureBatch {
    const draws = new StepDraws(this.draw.seed, step, firstPlace, numbers.length);
    const flips = draws.flips(this.draw.flip);
    const rows = numbers.map((number) => this.#row(this.#wholeFrom(number)));
    const { encoded, contextLength, states, sizePixels: side } = this.index;
    return noGrad(() =>
      scope(() => {
        const B = rows.length;
        const read = (part: (i: number) => string, shape: readonly number[], dtype: DType): Tensor =>
          tensorFromBytes(
            Buffer.concat(rows.map((row, i) => this.#read(row, part(i)))),
            [B, ...shape],
            dtype,
          ).to({ dtype: dtype === "float16" ? "float32" : "int64" });
        const kept = read((i) => (flips[i] ? "mirrored" : "encoded"), encoded, "float16");
        const noise = draws.noise([this.codec.channels, encoded[1], encoded[2]]);
        draws.dispose();
        const captionIds = read(() => "ids", [contextLength], "int32");
        const labels = read(() => "label", [], "int32").toNumbers();
        const pixels = (): Tensor => {
          const squares = squaresOf(
            rows.map((row) => ({ pixels: this.#read(row, "pixels") })),
            side,
          );
          const turned = tensor(flips.map(Number), [B, 1, 1, 1], { dtype: "bool" });
          return where(turned, squares.flip(3), squares);
        };
        return {
          latents: this.codec.latents(kept, noise),
          captionIds,
          captions: states === null ? captionIds.clone() : read(() => "states", states, "float16"),
          classes: classesOf(labels.map((label) => (label < 0 ? null : label))),
          alignmentTargets: this.alignment?.targets(pixels()),
        };
      }),
    );
  }

  /** A cache does not keep the names: files and rows stand for them. */
  keysOf(numbers: readonly number[]): string[] {
    const { rowsPerShard } = this.index;
    return numbers
      .map((number) => this.#wholeFrom(number))
      .map((row) => `${shardFile(this.index, Math.floor(row / rowsPerShard))} row ${row % rowsPerShard}`);
  }

  /** The sample, or the next one that could be read where it could not: as where pictures are read live. */
  #wholeFrom(number: number): number {
    for (let row = number; ; row = (row + 1) % this.count) if (this.#whole[row] === 1) return row;
  }

  #row(number: number): CachedRow {
    const file = this.#shards[Math.floor(number / this.index.rowsPerShard)]!;
    const row = number % this.index.rowsPerShard;
    const { buffer, byteOffset, byteLength } = file.tensors.get("checksums")!.rowBytes(row);
    return { file, row, sums: new DataView(buffer, byteOffset, byteLength) };
  }

  #read({ file: { path, tensors }, row, sums }: CachedRow, part: string): Uint8Array {
    const bytes = tensors.get(part)!.rowBytes(row);
    const expected = sums.getUint32(4 * checkedParts(this.index).indexOf(part), true);
    if (crc32(bytes) === expected) return bytes;
    throw new DreamError("format", {
      operation: `read ${path}`,
      expected: `row ${row} of '${part}' as it was written`,
      got: "other bytes: its checksum does not fit",
      hint: "remove the file and run the same `dream cache` command again",
    });
  }
}

function openShards(folder: string, index: CacheIndex): SafetensorsFile[] {
  const paths = Array.from({ length: shardCount(index) }, (_, shard) =>
    join(folder, shardFile(index, shard)),
  );
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length > 0)
    throw new DreamError("io", {
      operation: `open ${folder}`,
      expected: `${paths.length} files of features`,
      got: `${paths.length - missing.length}`,
      hint: "the cache is not finished; run the same `dream cache` command again, which goes on there",
    });
  return paths.map((path, shard) => {
    const file = openSafetensors(path);
    const wanted = shardLayout(index, rowsIn(index, shard));
    const fits = (entry: SafetensorsEntry | undefined, { dtype, shape }: (typeof wanted)[number]): boolean =>
      entry !== undefined && entry.dtype === dtype && String(entry.shape) === String(shape);
    const wrong = wanted.find((one) => !fits(file.tensors.get(one.name), one));
    if (wrong === undefined) return file;
    throw new DreamError("format", {
      operation: `read ${path}`,
      expected: `tensor '${wrong.name}' ${wrong.dtype} [${wrong.shape.join(", ")}], as the cache's index has it`,
      got: JSON.stringify(file.tensors.get(wrong.name)?.shape ?? "none"),
      hint: "remove the file and run the same `dream cache` command again",
    });
  });
}
