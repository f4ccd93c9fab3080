/** @file The public map of the package: what a program may import, by the room that it comes from. */
export { type BrokenSample, type LoadedSample, Loader } from "./data/loader.js";
export { openSamples } from "./data/open-samples.js";
export { BatchOrder } from "./data/order.js";
export type { Sample, SampleSource } from "./data/sample.js";
export { combinationsOf, type DrawnScene, drawScene, type Split } from "./data/scenes/draw.js";
export { type Combination, combinations, oneObjectCaption } from "./data/scenes/one-object.js";
export { type SceneRandom, sceneRandom } from "./data/scenes/random.js";
export { readScene, type SceneReading } from "./data/scenes/reader/read-scene.js";
export { type RenderedScene, renderScene } from "./data/scenes/render.js";
export type { Scene } from "./data/scenes/scene.js";
export { writeScenes } from "./data/scenes/write.js";
export type { View } from "./data/view.js";
export {
  type Drawing,
  DrawingPipeline,
  type DrawOptions,
  type Edit,
  type FinishedCandidates,
  type Sampling,
  type Wanted,
} from "./drawing.js";
export { type Choice, halving } from "./drawing-choice.js";
export { type DrawingSettings, type SettledDrawing, settled } from "./drawing-settings.js";
export {
  type Cancellable,
  Dream,
  type EditOptions,
  type GenerateOptions,
  type ImageInput,
  type KeptVectors,
  type Labelled,
  type LoadOptions,
} from "./dream.js";
export { type Embeddings, embedCaptions, embedPictures } from "./embedding.js";
export type { DrawingProgress, EngineStatistics, ModelInfo, Nearest } from "./engine/protocol.js";
export { DreamError, type DreamErrorCode } from "./errors.js";
export { type Fidelity, fidelityOf, judge, type Verdict } from "./evaluate/fidelity.js";
export { generativeLoss, type Retrieval, retrieval } from "./evaluate/held-out.js";
export { pairedDifference, shareInterval } from "./evaluate/intervals.js";
export { type ZeroShotPoint, zeroShotCurve } from "./evaluate/zero-shot.js";
export type { CacheIndex } from "./features/cache-format.js";
export { fillCache } from "./features/cache-writer.js";
export { CachedFeatures } from "./features/cached-features.js";
export type { CaptionReader } from "./features/caption-reader.js";
export type { FeatureBatch, FeatureSource } from "./features/feature-batch.js";
export { LiveFeatures } from "./features/live-features.js";
export type { PictureCodec } from "./features/picture-codec.js";
export { pictureSide } from "./features/picture-codec.js";
export { decodePicture, encodePng, type Picture } from "./formats/images.js";
export { OrderedDict, type PickleValue } from "./formats/pickle/value.js";
export { TorchTensor } from "./formats/torch/tensor.js";
export { openTorchFile, writeTorchFile } from "./formats/torch/torch-file.js";
export { DrawingEngine, type EngineOptions } from "./generate/engine.js";
export { drawLatents } from "./generate/generate.js";
export { type NoiseSource, SeededNoise, seededOrders } from "./generate/noise.js";
export { type Preset, type PresetName, presetNames, presets } from "./generate/presets.js";
export { Profile } from "./generate/profile.js";
export { type Box, boxRegion, composite, lightRegion, type Region, tokensOf } from "./generate/region.js";
export type { DrawingEvent, DrawingRequest } from "./generate/request.js";
export {
  ancestral,
  type DecodingStep,
  decodingSchedule,
  type Guidance,
  stepsToFraction,
  type TokenSampling,
} from "./generate/schedule.js";
export type { Selection, Trajectory } from "./generate/selection.js";
export { checkGolden, type GoldenReport } from "./golden/check.js";
export { type HubOptions, resolveModel } from "./hub/resolve-model.js";
export { type DreamConfig, paperConfig, type SizeName, sizes } from "./models/dream/config.js";
export { type DreamLosses, DreamModel, type MaskGroup } from "./models/dream/dream.js";
export { initialise } from "./models/dream/initialise.js";
export { TokenMask, TokenOrders } from "./models/dream/mask.js";
export { type MaskingSchedule, paperMasking } from "./models/dream/masking.js";
export { pytorchState } from "./models/dream/pytorch-names.js";
export { patchify, unpatchify } from "./models/dream/tokens.js";
export { ClipModel } from "./models/frozen/clip.js";
export { DinoModel, dinoTargets } from "./models/frozen/dino.js";
export { Inception } from "./models/frozen/inception.js";
export { normaliseBytes, type PicturePreparation, readPreparation } from "./models/frozen/preprocessing.js";
export { T5Encoder } from "./models/frozen/t5.js";
export { AutoencoderKl, meanOf, sampleMoments } from "./models/frozen/vae.js";
export { bytesState, loadState, stateFile, writeState } from "./nn/index.js";
export { type CommunicationPlan, planCommunication } from "./plan/communication.js";
export { checkMemory } from "./plan/fitting.js";
export { type StepFlops, stepFlops } from "./plan/flops.js";
export { describeMemory, type MemoryPlan, type Placement, planMemory } from "./plan/memory.js";
export { type PlanFor, planRun, type RunPlan } from "./plan/run-plan.js";
export { type DeviceSpeed, planTime, type TimePlan } from "./plan/time.js";
export type { LocateModel } from "./recipe/frozen-parts.js";
export { loadModel, saveModel, type TrainedModel } from "./recipe/model-folder.js";
export { overridden } from "./recipe/overrides.js";
export type { Parts } from "./recipe/parts.js";
export { preparePictures } from "./recipe/pictures-data.js";
export { publishRun } from "./recipe/publish.js";
export { parseRecipe, type Recipe, readRecipe, recipeOf, stepsOf } from "./recipe/recipe.js";
export { releaseOfRun } from "./recipe/release-export.js";
export { openRelease, publishRelease, runOfRelease } from "./recipe/release-import.js";
export { runRecipe } from "./recipe/run.js";
export { openRun } from "./recipe/saved-run.js";
export { keepSamples } from "./samples.js";
export {
  type FoundPicture,
  type IndexedPicture,
  PictureIndex,
  type UpdateHooks,
  type UpdateReport,
} from "./search/picture-index.js";
export * as engine from "./tensor/index.js";
export { cleanCaption } from "./text/caption-cleaning.js";
export { ClipTokenizer } from "./text/clip-tokenizer.js";
export { T5Tokenizer } from "./text/t5-tokenizer.js";
export type { Tokenizer } from "./text/tokenizer.js";
export { Trainer, type TrainingConfig } from "./train/trainer.js";
