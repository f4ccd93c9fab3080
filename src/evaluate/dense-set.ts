/** @file A dense task's pictures as a head takes them: every truth is read and checked before a picture is encoded. */
import type {
  DensePictures,
  DenseSplit,
  DenseTask,
  DepthTruth,
  LabelTruth,
} from "../data/dense/dense-split.js";
import { nearestCrop } from "../data/dense/nearest-crop.js";
import { pictureSide } from "../features/picture-codec.js";
import type { Tensor } from "../tensor/index.js";
import type { DenseSet } from "./dense-head.js";
import { frozenTokens, requireRoom } from "./frozen-tokens.js";
import type { SharedFeatures } from "./shared-features.js";
import type { Subject } from "./subject.js";

/** Truths that are read at a time. */
const window = 64;

/** @param check throws where a square cannot be used @throws DreamError where a truth is none, or tokens do not fit in memory */
export async function denseSets<Truth extends LabelTruth | DepthTruth>(
  subject: Subject,
  { train, test }: DenseTask<Truth>,
  check: (square: Truth["data"], name: string) => void,
): Promise<{ readonly train: DenseSet; readonly test: DenseSet }> {
  const { features, model } = subject;
  const missing = [train.pictures, test.pictures].filter((pictures) => !features.keeps(pictures));
  requireRoom(
    model.config,
    missing.reduce((sum, { count }) => sum + count, 0),
  );
  const side = pictureSide(subject);
  const truths = [await truthsOf(train, side, check), await truthsOf(test, side, check)] as const;
  return {
    train: { tokens: await tokensOf(features, train.pictures), truths: truths[0] },
    test: { tokens: await tokensOf(features, test.pictures), truths: truths[1] },
  };
}

/** Encoded once for all tasks over the same pictures. @returns [n, N, D], which the features dispose */
export function tokensOf(features: SharedFeatures, pictures: DensePictures): Promise<Tensor> {
  return features.keep(pictures, (encoding) =>
    frozenTokens(encoding, pictures, (done) =>
      features.tell(`Encoding ${pictures.name}`, done, pictures.count),
    ),
  );
}

async function truthsOf<Truth extends LabelTruth | DepthTruth>(
  { pictures, truth }: DenseSplit<Truth>,
  side: number,
  check: (square: Truth["data"], name: string) => void,
): Promise<Truth["data"][]> {
  const squares: Truth["data"][] = [];
  while (squares.length < pictures.count) {
    const first = squares.length;
    const numbers = Array.from({ length: Math.min(window, pictures.count - first) }, (_, i) => first + i);
    for (const [i, whole] of (await Promise.all(numbers.map(truth))).entries()) {
      const square = nearestCrop(whole, side);
      check(square, `${pictures.name}, picture ${first + i}`);
      squares.push(square);
    }
  }
  return squares;
}
