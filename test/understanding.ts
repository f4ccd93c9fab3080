/** @file Recorded values of independent computations for the measures of understanding. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LarsConfig } from "../src/evaluate/lars.js";
import { packageRoot } from "../src/tensor/native.js";

/** What `make_understanding.py` wrote; matrices are row-major. */
export interface RecordedUnderstanding {
  readonly lars: readonly {
    readonly config: LarsConfig;
    readonly rates: readonly number[];
    readonly factors: readonly number[];
    /** Heads, width, classes. */
    readonly shape: readonly [number, number, number];
    readonly weights: readonly number[];
    readonly biases: readonly number[];
    readonly weightGradients: readonly (readonly number[])[];
    readonly biasGradients: readonly (readonly number[])[];
    readonly expectedWeights: readonly number[];
    readonly expectedBiases: readonly number[];
  }[];
  readonly fewShot: {
    readonly ways: number;
    readonly width: number;
    readonly known: readonly number[];
    readonly asked: readonly number[];
    readonly squaredDistances: readonly number[];
    readonly nearest: readonly number[];
    readonly ridge: readonly number[];
    readonly ridgeNamed: readonly number[];
  };
  readonly retrieval: {
    readonly width: number;
    readonly captions: readonly string[];
    readonly images: readonly number[];
    readonly texts: readonly number[];
    readonly imageToText: readonly number[];
    readonly textToImage: readonly number[];
  };
}

export const recordedUnderstanding = JSON.parse(
  readFileSync(join(packageRoot(), "test/fixtures/evaluate/understanding.json"), "utf8"),
) as RecordedUnderstanding;
