/** @file The public map of the package: what a program may import, by the room that it comes from. */
export { combinationsOf, type DrawnScene, drawScene, type Split } from "./data/scenes/draw.js";
export { type Combination, combinations, oneObjectCaption } from "./data/scenes/one-object.js";
export { type SceneRandom, sceneRandom } from "./data/scenes/random.js";
export { readScene, type SceneReading } from "./data/scenes/reader/read-scene.js";
export { type RenderedScene, renderScene } from "./data/scenes/render.js";
export type { Scene } from "./data/scenes/scene.js";
export { writeScenes } from "./data/scenes/write.js";
export {
  type Choice,
  type Drawing,
  type DrawOptions,
  drawCandidates,
  drawPictures,
  type FinishedCandidates,
} from "./drawing.js";
export { type Embeddings, embedCaptions, embedPictures, pictureSide } from "./embedding.js";
export { DreamError, type DreamErrorCode } from "./errors.js";
export { type Fidelity, fidelityOf, judge, type Verdict } from "./evaluate/fidelity.js";
export { generativeLoss, type Retrieval, retrieval } from "./evaluate/held-out.js";
export { pairedDifference, shareInterval } from "./evaluate/intervals.js";
export { type ZeroShotPoint, zeroShotCurve } from "./evaluate/zero-shot.js";
export type { FeatureBatch, FeatureSource } from "./features/feature-batch.js";
export { decodePicture, encodePng, type Picture } from "./formats/images.js";
export { type DrawingEvent, type DrawingRequest, drawLatents } from "./generate/generate.js";
export { type NoiseSource, SeededNoise, seededOrders } from "./generate/noise.js";
export { type DecodingStep, decodingSchedule, type Guidance, stepsToFraction } from "./generate/schedule.js";
export type { Selection } from "./generate/selection.js";
export { checkGolden, type GoldenReport } from "./golden/check.js";
export { type DreamConfig, paperConfig, type SizeName, sizes } from "./models/dream/config.js";
export { Dream, type DreamLosses, type MaskGroup } from "./models/dream/dream.js";
export { initialise } from "./models/dream/initialise.js";
export { TokenMask, TokenOrders } from "./models/dream/mask.js";
export { type MaskingSchedule, paperMasking } from "./models/dream/masking.js";
export { pytorchState } from "./models/dream/pytorch-names.js";
export { patchify, unpatchify } from "./models/dream/tokens.js";
export { loadState, stateFile, writeState } from "./nn/index.js";
export { parseRecipe, type Recipe, readRecipe } from "./recipe/recipe.js";
export { loadRunModel, saveRunModel, type TrainedModel } from "./recipe/run-folder.js";
export * as engine from "./tensor/index.js";
export { Trainer, type TrainingConfig } from "./train/trainer.js";
