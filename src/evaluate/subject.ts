/** @file What is measured: a model with its parts, the pictures to measure it on, and what it drew. */
import type { DenseData } from "../data/dense/dense-split.js";
import type { SceneLevel } from "../data/scenes/vocabulary.js";
import type { Picture } from "../formats/images.js";
import type { Inception } from "../models/frozen/inception.js";
import type { Tensor } from "../tensor/index.js";
import type { FeatureStatistics } from "./feature-statistics.js";
import type { Encoding, SharedFeatures } from "./shared-features.js";
import type { PictureSplit } from "./splits.js";

/** Pictures to measure on. */
export interface EvaluationData {
  /** What probes learn from; null where there is only a test split. */
  readonly train: PictureSplit | null;
  readonly test: PictureSplit;
  /** Names of the classes by their labels; null where pictures have none. */
  readonly classes: readonly string[] | null;
  /** Sentences, with `{}` where a class's name comes, by which pictures are named; the usual ones where left out. */
  readonly templates?: readonly string[];
  /** The level of the scenes that these are, whose samples have a truth; null for other pictures. */
  readonly scenes: SceneLevel | null;
  /** Pictures with a value for each pixel, not always the splits' own; null where there are none. */
  readonly dense: DenseData | null;
}

/** A picture drawn for a sample of the test split. */
export interface DrawnSample {
  /** Of the sample in its split. */
  readonly number: number;
  readonly picture: Picture;
}

/** Drawings of the first samples' captions. */
export interface Drawings {
  readonly drawn: readonly DrawnSample[];
  /** Wall-clock time of the drawing alone. */
  readonly seconds: number;
}

/** A frozen encoder of pictures, not the subject's own: what distances between sets of pictures are measured in. */
export interface PictureJudge {
  /** For people. */
  readonly name: string;
  /** @param pictures of one size @returns [n, D] on the CPU */
  features(pictures: readonly Picture[]): Tensor;
}

/** A frozen pair of towers, not the subject's own, that tells how well a picture fits a caption. */
export interface PairJudge {
  readonly name: string;
  /** A cosine for each pair. */
  scores(pictures: readonly Picture[], captions: readonly string[]): number[];
}

/** Models that judge drawings; each null where none is at hand. */
export interface Judges {
  /** What FID, inception score, precision and recall are defined in. */
  readonly inception: Inception | null;
  /** Of real pictures in Inception's pooled features, for FID; null takes the test split's own pictures. */
  readonly reference: FeatureStatistics | null;
  /** What stands in for it offline, under another name. */
  readonly encoder: PictureJudge | null;
  readonly pairs: PairJudge | null;
}

export interface Subject extends Encoding {
  readonly data: EvaluationData;
  readonly features: SharedFeatures;
  /** Drawn once, when first asked for; null for a model that does not draw. */
  readonly drawings: (() => Promise<Drawings>) | null;
  readonly judges: Judges;
  /** Of every chance that a measure takes. */
  readonly seed: number;
}
