/** @file Dense data in folders: a picture's file and a truth's file, found beside one another. */
import { readFileSync, statSync } from "node:fs";
import { DreamError } from "../../errors.js";
import { decodeGrey, type GreyPicture, pictureSize } from "../../formats/images.js";
import { decodeQuickly } from "../decode.js";
import { type DensePictures, requireSize } from "./dense-split.js";

/** A picture and its truth, by path. */
export interface DenseFiles {
  readonly picture: string;
  readonly truth: string;
}

/** @throws DreamError `format` where there is none */
export function requirePairs(folder: string, pairs: readonly DenseFiles[], expected: string): void {
  if (pairs.length > 0) return;
  throw new DreamError("format", { operation: `open ${folder}`, expected, got: "none" });
}

/** @throws DreamError `format` naming pictures without a truth */
export function requireTruths(folder: string, pairs: readonly DenseFiles[]): void {
  const lacking = pairs.filter(({ truth }) => !isFile(truth));
  if (lacking.length === 0) return;
  const shown = lacking.slice(0, 3).map(({ picture, truth }) => `${picture} (no ${truth})`);
  throw new DreamError("format", {
    operation: `open ${folder}`,
    expected: "a truth for each picture",
    got: `${lacking.length} without: ${shown.join(", ")}`,
    hint: "the data are not whole; take them out of their archive again",
  });
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

export function picturesOfFiles(name: string, pairs: readonly DenseFiles[]): DensePictures {
  return {
    name,
    count: pairs.length,
    read: async (number) => {
      const { picture } = pairs[number]!;
      return decodeQuickly(readFileSync(picture), picture);
    },
  };
}

/** A truth's file as it is kept. @throws DreamError `format` where it is damaged, or not as large as its picture */
export async function readTruth({ picture, truth }: DenseFiles): Promise<GreyPicture> {
  const [grey, size] = await Promise.all([
    decodeGrey(readFileSync(truth), truth),
    pictureSize(readFileSync(picture), picture),
  ]);
  requireSize(truth, grey, size);
  return grey;
}
