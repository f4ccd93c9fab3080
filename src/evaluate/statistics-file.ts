/**
 * @file Reference statistics in files, as other programs leave them: `mu` and `sigma` of features (pytorch-fid, torch-fidelity's arrays, ADM's
 * reference batches), or a batch of pictures `arr_0` (ADM's samples), of which the statistics are taken here.
 */

import { DreamError } from "../errors.js";
import type { Picture } from "../formats/images.js";
import type { NumberArray } from "../formats/npy.js";
import { NpzFile, writeNpz } from "../formats/npz.js";
import type { Inception } from "../models/frozen/inception.js";
import { cat, type Tensor, tensor } from "../tensor/index.js";
import { type FeatureStatistics, statisticsOf } from "./feature-statistics.js";
import { inceptionFeatures } from "./inception-features.js";

/** A batch of pictures in a file, read some at a time. */
export interface PictureBatch {
  readonly count: number;
  read(first: number, count: number): Picture[];
}

const fail = (path: string, expected: string, got: string): DreamError =>
  new DreamError("format", { operation: `read ${path}`, expected, got });

/**
 * `mu` and `sigma`.
 * @param width of the features that they must be of: 2048 of Inception's
 * @throws DreamError `format` where there are none, or of another width, or with numbers that are none
 */
export function readStatistics(file: NpzFile, width: number): FeatureStatistics {
  const numbers = (name: string, shape: readonly number[]): Tensor => {
    const array = file.array(name);
    if (array.shape.join() !== shape.join())
      throw fail(
        file.path,
        `${name} of ${shape.join(" x ")}, as many as there are features`,
        array.shape.join(" x "),
      );
    return doubles(array, `${file.path}, ${name}`);
  };
  return { mean: numbers("mu", [width]), covariance: numbers("sigma", [width, width]) };
}

function doubles({ shape, data }: NumberArray, path: string): Tensor {
  if (!(data instanceof Float64Array || data instanceof Float32Array))
    throw fail(path, "float32 or float64", data.constructor.name);
  if (!data.every(Number.isFinite)) throw fail(path, "finite numbers", "some that are not");
  return tensor(data, shape, { dtype: "float64" });
}

/** @throws DreamError `format` where the file's `arr_0` is no batch of pictures in colour */
export function readPictures(file: NpzFile): PictureBatch {
  const rows = file.rows("arr_0");
  const [count, height, width, channels] = rows.shape as [number, number, number, number];
  const size = height * width * 3;
  const isBatch = rows.shape.length === 4 && channels === 3 && size > 0 && count > 0;
  if (!isBatch || !(rows.read(0, 1).data instanceof Uint8Array))
    throw fail(file.path, "arr_0 of uint8 pictures, n x height x width x 3", rows.shape.join(" x "));
  return {
    count,
    read: (first, some) => {
      const data = rows.read(first, some).data as Uint8Array;
      return Array.from({ length: some }, (_, i) => ({
        width,
        height,
        data: data.subarray(i * size, (i + 1) * size),
      }));
    },
  };
}

/** Pictures that are read at a time. */
const window = 128;

/**
 * What a file says of real pictures in Inception's pooled features: its statistics, or those of its pictures where it has no others.
 * @throws DreamError `format` where it has neither
 */
export async function inceptionReference(path: string, inception: Inception): Promise<FeatureStatistics> {
  const file = await NpzFile.open(path);
  if (file.names.includes("mu")) return readStatistics(file, inception.classes.weight.size(1));
  if (!file.names.includes("arr_0"))
    throw fail(path, "mu and sigma, or arr_0", file.names.join(", ") || "nothing");
  const batch = readPictures(file);
  const parts: Tensor[] = [];
  for (let first = 0; first < batch.count; first += window) {
    const { pool, logits } = inceptionFeatures(
      inception,
      batch.read(first, Math.min(window, batch.count - first)),
    );
    logits.dispose();
    parts.push(pool);
  }
  const pool = cat(parts, 0);
  const statistics = statisticsOf(pool);
  for (const one of [...parts, pool]) one.dispose();
  return statistics;
}

/** As pytorch-fid reads them, float64. Whole or not at all. */
export function writeStatistics(path: string, { mean, covariance }: FeatureStatistics): Promise<void> {
  const array = (x: Tensor): NumberArray => ({
    shape: x.shape,
    data: Float64Array.from(x.to({ dtype: "float64" }).toNumbers()),
  });
  return writeNpz(path, { mu: array(mean), sigma: array(covariance) });
}
