/**
 * @file Pictures with a value for each pixel: what segmentation and depth are measured on. Truths are read apart from pictures, so that all
 * of them are known to be good before a network sees the first picture.
 */
import { DreamError } from "../../errors.js";
import type { Picture } from "../../formats/images.js";

/** Pictures by number, of any size. */
export interface DensePictures {
  readonly name: string;
  readonly count: number;
  read(number: number): Promise<Picture>;
}

/** One number for each pixel, row by row. */
export interface DenseTruth<Values extends Uint8Array | Uint16Array> {
  readonly width: number;
  readonly height: number;
  readonly data: Values;
}

/** Classes of pixels, from 0; {@link ignoredLabel} where nothing is known. */
export type LabelTruth = DenseTruth<Uint8Array>;

/** Distances in millimetres; 0 where nothing is known. */
export type DepthTruth = DenseTruth<Uint16Array>;

/** The label of a pixel that does not count. */
export const ignoredLabel = 255;

/** Pictures and their truths. Splits over the same pictures hold the same `pictures`. */
export interface DenseSplit<Truth extends LabelTruth | DepthTruth> {
  readonly pictures: DensePictures;
  /** Of the picture's size. @throws DreamError naming the file where it is none for the picture */
  truth(number: number): Promise<Truth>;
}

/** Pictures to learn a dense task from, and to measure it on. */
export interface DenseTask<Truth extends LabelTruth | DepthTruth> {
  readonly train: DenseSplit<Truth>;
  readonly test: DenseSplit<Truth>;
}

export interface SegmentationData extends DenseTask<LabelTruth> {
  /** Names of the classes, by their labels. */
  readonly classes: readonly string[];
}

export interface DenseData {
  readonly segmentation: SegmentationData | null;
  readonly depth: DenseTask<DepthTruth> | null;
}

/** @throws DreamError `format` where a truth is not as large as its picture */
export function requireSize(
  source: string,
  truth: { readonly width: number; readonly height: number },
  picture: { readonly width: number; readonly height: number },
): void {
  if (truth.width === picture.width && truth.height === picture.height) return;
  throw new DreamError("format", {
    operation: `read ${source}`,
    expected: `${picture.width} x ${picture.height} pixels, as its picture has`,
    got: `${truth.width} x ${truth.height}`,
  });
}
