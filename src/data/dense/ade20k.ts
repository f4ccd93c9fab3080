/**
 * @file ADE20K's folders for scene parsing, as its benchmark gives them out: `images/{training,validation}/*.jpg` and
 * `annotations/{training,validation}/*.png`, where 0 does not count and 1 to 150 are classes.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, parse } from "node:path";
import { DreamError } from "../../errors.js";
import {
  type DenseFiles,
  isFolder,
  picturesOfFiles,
  readTruth,
  requirePairs,
  requireTruths,
} from "./dense-files.js";
import { type DenseSplit, ignoredLabel, type LabelTruth, type SegmentationData } from "./dense-split.js";

const classCount = 150;

/** The benchmark's table of classes, which lies beside the folders. */
const namesFile = "objectInfo150.txt";

/** @throws DreamError `format` where folders, pictures or truths are missing */
export function openAde20k(
  folder: string,
  limits: { readonly train: number; readonly test: number },
): SegmentationData {
  return {
    train: openSplit(folder, "training", limits.train),
    test: openSplit(folder, "validation", limits.test),
    classes: classNames(join(folder, namesFile)),
  };
}

function openSplit(folder: string, split: string, most: number): DenseSplit<LabelTruth> {
  const [pictures, truths] = [join(folder, "images", split), join(folder, "annotations", split)];
  const names = isFolder(pictures) ? readdirSync(pictures).sort() : [];
  const pairs = names
    .filter((name) => /\.jpe?g$/i.test(name) && !name.startsWith("."))
    .slice(0, most)
    .map(
      (name): DenseFiles => ({
        picture: join(pictures, name),
        truth: join(truths, `${parse(name).name}.png`),
      }),
    );
  requirePairs(folder, pairs, `pictures (*.jpg) in images/${split}`);
  requireTruths(folder, pairs);
  return {
    pictures: picturesOfFiles(`ADE20K ${split}`, pairs),
    truth: async (number) => {
      const { width, height, data } = await readTruth(pairs[number]!);
      return { width, height, data: labelsOf(data, pairs[number]!.truth) };
    },
  };
}

/** Our labels of the file's numbers. */
function labelsOf(numbers: Uint8Array | Uint16Array, source: string): Uint8Array {
  const labels = new Uint8Array(numbers.length);
  for (const [i, number] of numbers.entries()) {
    if (number > classCount)
      throw new DreamError("format", {
        operation: `read ${source}`,
        expected: `classes from 1 to ${classCount}, or 0 where none counts`,
        got: `${number} at pixel ${i}`,
      });
    labels[i] = number === 0 ? ignoredLabel : number - 1;
  }
  return labels;
}

/** The table has a row for each class, whose last column is its names. */
function classNames(path: string): string[] {
  const rows = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").slice(1) : [];
  return Array.from(
    { length: classCount },
    (_, label) => rows[label]?.split("\t").at(-1)?.trim() ?? `class ${label + 1}`,
  );
}
