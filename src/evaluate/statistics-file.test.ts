import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { relativeError } from "../../test/parity.js";
import type { NumberArray } from "../formats/npy.js";
import { NpzFile, writeNpz } from "../formats/npz.js";
import { Inception } from "../models/frozen/inception.js";
import { stateFile } from "../nn/index.js";
import { statisticsOf } from "./feature-statistics.js";
import { frechetDistance } from "./frechet.js";
import { inceptionFeatures } from "./inception-features.js";
import { inceptionReference, readPictures, readStatistics, writeStatistics } from "./statistics-file.js";

const fixtures = "test/fixtures/evaluate";
const folder = mkdtempSync(join(tmpdir(), "dream-statistics-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "statistics.npz");

const own = statisticsOf(stateFile(join(fixtures, "drawings.safetensors")).read("real"));
/** A narrow network, of 53 features. */
const inception = Inception.from(stateFile("test/fixtures/inception/40.safetensors"), { divisor: 40 });

describe("statistics in a file", () => {
  it.each([
    ["pytorch-fid.npz", 1e-12],
    ["adm-reference.npz", 1e-6],
  ])("are read as numpy left them: %s", async (name, tolerance) => {
    const { mean, covariance } = readStatistics(await NpzFile.open(join(fixtures, name)), 12);
    expect([mean.dtype, covariance.dtype]).toEqual(["float64", "float64"]);
    expect(relativeError(mean, own.mean)).toBeLessThan(tolerance);
    expect(relativeError(covariance, own.covariance)).toBeLessThan(tolerance);
  });

  it("come back as they were written", async () => {
    await writeStatistics(path, own);
    const back = readStatistics(await NpzFile.open(path), 12);
    expect(back.mean.toNumbers()).toEqual(own.mean.toNumbers());
    expect(back.covariance.toNumbers()).toEqual(own.covariance.toNumbers());
    expect(frechetDistance(back, own)).toBeCloseTo(0, 9);
  });

  const f8 = (shape: readonly number[], value = 1): NumberArray => ({
    shape,
    data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });
  it.each<[string, Record<string, NumberArray>, RegExp]>([
    ["of another width", { mu: f8([4]), sigma: f8([4, 4]) }, /expected mu of 3, .*got 4/],
    ["of two widths", { mu: f8([3]), sigma: f8([3, 4]) }, /expected sigma of 3 x 3, .*got 3 x 4/],
    ["without sigma", { mu: f8([3]) }, /expected an array sigma, got mu/],
    ["not finite", { mu: f8([3]), sigma: f8([3, 3], Number.NaN) }, /sigma: expected finite numbers/],
    [
      "whole numbers",
      { mu: { shape: [3], data: new Int32Array(3) } },
      /mu: expected float32 or float64, got Int32/,
    ],
  ])("are refused where they are %s", async (_, arrays, message) => {
    await writeNpz(path, arrays);
    const file = await NpzFile.open(path);
    expect(() => readStatistics(file, 3)).toThrow(message);
  });
});

describe("pictures in a file", () => {
  it.each(["adm-reference.npz", "adm-samples.npz", "adm-samples-compressed.npz"])(
    "are those that numpy saved: %s",
    async (name) => {
      const file = await NpzFile.open(join(fixtures, name));
      const { count, read } = readPictures(file);
      expect(count).toBe(5);
      const [picture] = read(3, 2);
      expect([picture!.width, picture!.height]).toEqual([4, 6]);
      const { data } = file.array("arr_0");
      expect([...picture!.data]).toEqual([...(data as Uint8Array).subarray(3 * 72, 4 * 72)]);
    },
  );

  it("are refused where they are in grey, or no bytes", async () => {
    for (const array of [
      { shape: [2, 4, 4, 1], data: new Uint8Array(32) },
      { shape: [2, 2, 2, 3], data: new Float32Array(24) },
      { shape: [0, 2, 2, 3], data: new Uint8Array(0) },
      { shape: [3], data: new Uint8Array(3) },
    ]) {
      await writeNpz(path, { arr_0: array });
      const file = await NpzFile.open(path);
      expect(() => readPictures(file)).toThrow(/expected arr_0 of uint8 pictures, n x height x width x 3/);
    }
  });
});

describe("a reference for FID", () => {
  it("is a file's statistics, of the network's own width", async () => {
    await expect(inceptionReference(join(fixtures, "pytorch-fid.npz"), inception)).rejects.toThrow(
      /expected mu of 53, .*got 12/,
    );
    const features = inceptionFeatures(
      inception,
      readPictures(await NpzFile.open(join(fixtures, "adm-samples.npz"))).read(0, 5),
    );
    const statistics = statisticsOf(features.pool);
    await writeStatistics(path, statistics);
    const { mean } = await inceptionReference(path, inception);
    expect(mean.toNumbers()).toEqual(statistics.mean.toNumbers());
    // Of its pictures, where it has no others.
    const ofPictures = await inceptionReference(join(fixtures, "adm-samples.npz"), inception);
    expect(relativeError(ofPictures.mean, statistics.mean)).toBeLessThan(1e-9);
    expect(relativeError(ofPictures.covariance, statistics.covariance)).toBeLessThan(1e-9);
  });

  it("is refused where a file has neither statistics nor pictures", async () => {
    await expect(inceptionReference("test/fixtures/numpy/stored.npz", inception)).rejects.toThrow(
      /expected mu and sigma, or arr_0, got whole, row/,
    );
  });
});
