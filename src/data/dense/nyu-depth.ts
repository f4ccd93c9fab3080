/**
 * @file NYU Depth V2 in the layouts that it is passed on in: below `train` and `test`, folders of `rgb_XXXXX.jpg` beside
 * `sync_depth_XXXXX.png` at any depth, or a folder `rgb` beside a folder `depth` with the same names. Depths are 16-bit millimetres, and 0
 * is unknown.
 */
import { readdirSync } from "node:fs";
import { basename, dirname, join, parse } from "node:path";
import { DreamError } from "../../errors.js";
import {
  type DenseFiles,
  isFolder,
  picturesOfFiles,
  readTruth,
  requirePairs,
  requireTruths,
} from "./dense-files.js";
import type { DenseSplit, DenseTask, DepthTruth } from "./dense-split.js";

/** @throws DreamError `format` where folders, pictures or truths are missing */
export function openNyuDepth(
  folder: string,
  limits: { readonly train: number; readonly test: number },
): DenseTask<DepthTruth> {
  return { train: openSplit(folder, "train", limits.train), test: openSplit(folder, "test", limits.test) };
}

function openSplit(folder: string, split: string, most: number): DenseSplit<DepthTruth> {
  const below = join(folder, split);
  const apart = isFolder(join(below, "rgb")) && isFolder(join(below, "depth"));
  const pairs = (apart ? pairsApart(below) : pairsBeside(below)).slice(0, most);
  requirePairs(
    folder,
    pairs,
    `pictures in ${split}: rgb_XXXXX.jpg beside sync_depth_XXXXX.png, or rgb/ and depth/`,
  );
  requireTruths(folder, pairs);
  return {
    pictures: picturesOfFiles(`NYU ${split}`, pairs),
    truth: async (number) => {
      const { truth } = pairs[number]!;
      const { width, height, data } = await readTruth(pairs[number]!);
      if (data instanceof Uint16Array) return { width, height, data };
      throw new DreamError("format", {
        operation: `read ${truth}`,
        expected: "16 bits for each pixel: millimetres",
        got: "8 bits",
      });
    },
  };
}

const isPicture = (name: string): boolean => /\.(jpe?g|png)$/i.test(name) && !name.startsWith(".");

function pairsApart(below: string): DenseFiles[] {
  return readdirSync(join(below, "rgb"))
    .filter(isPicture)
    .sort()
    .map((name) => ({
      picture: join(below, "rgb", name),
      truth: join(below, "depth", `${parse(name).name}.png`),
    }));
}

function pairsBeside(below: string): DenseFiles[] {
  if (!isFolder(below)) return [];
  return readdirSync(below, { recursive: true })
    .map(String)
    .filter((path) => isPicture(basename(path)) && basename(path).startsWith("rgb_"))
    .sort()
    .map((path) => ({
      picture: join(below, path),
      truth: join(below, dirname(path), `${parse(path).name.replace(/^rgb_/, "sync_depth_")}.png`),
    }));
}
