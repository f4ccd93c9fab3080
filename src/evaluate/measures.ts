/** @file All measures, by name, in the order in which they are told. */
import { unknownName } from "../errors.js";
import { clipScoreMeasure } from "./clip-score.js";
import { precisionRecallMeasure } from "./coverage.js";
import { depthMeasure } from "./depth.js";
import { drawingSpeedMeasure } from "./drawing-speed.js";
import { fewShotMeasure } from "./few-shot.js";
import { fidMeasure } from "./fid.js";
import { fineTuneMeasure } from "./fine-tune.js";
import { frechetMeasure } from "./frechet.js";
import { inceptionScoreMeasure } from "./inception-score.js";
import { linearProbeMeasure } from "./linear-probe.js";
import type { Measure } from "./measurement.js";
import { retrievalMeasure } from "./retrieval.js";
import { sceneAgreementMeasure, sceneFidelityMeasure } from "./scene-fidelity.js";
import { segmentationMeasure } from "./segmentation.js";
import { zeroShotKeptMeasure, zeroShotMeasure } from "./zero-shot.js";

export const measures: readonly Measure[] = [
  linearProbeMeasure,
  fewShotMeasure,
  fineTuneMeasure,
  zeroShotMeasure,
  zeroShotKeptMeasure,
  retrievalMeasure,
  segmentationMeasure,
  depthMeasure,
  sceneFidelityMeasure,
  sceneAgreementMeasure,
  clipScoreMeasure,
  fidMeasure,
  inceptionScoreMeasure,
  precisionRecallMeasure,
  frechetMeasure,
  drawingSpeedMeasure,
];

export const measureNames: readonly string[] = measures.map(({ name }) => name);

/** @throws DreamError `unknown-name` with the nearest names */
export function measureNamed(name: string): Measure {
  const measure = measures.find((one) => one.name === name);
  if (measure === undefined) throw unknownName("evaluate", "measure", name, [...measureNames]);
  return measure;
}
