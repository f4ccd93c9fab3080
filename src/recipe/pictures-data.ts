/** @file A recipe's pictures: a folder, shards or tables of one's own read live, or a feature cache made of them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type BrokenSample, Loader } from "../data/loader.js";
import { openSamples } from "../data/open-samples.js";
import type { SampleSource } from "../data/sample.js";
import { SampleReader } from "../data/sample-reader.js";
import { DreamError } from "../errors.js";
import { type CacheIndex, indexFile, readCacheIndex } from "../features/cache-format.js";
import { CachedFeatures } from "../features/cached-features.js";
import { LiveFeatures } from "../features/live-features.js";
import {
  type FrozenPlace,
  type LocateModel,
  onCpu,
  openAlignment,
  type PartsDescription,
} from "./frozen-parts.js";
import { checkParts, type Examples, fittedPictures, loadParts, makeParts, type Parts } from "./parts.js";
import { modelConfigFor, type RecipeOf } from "./recipe.js";
import type { RunData } from "./run.js";

/** Pictures, open. */
export interface PicturesData extends RunData {
  /** For people: how many there are, and how they are read. */
  readonly description: string;
  close(): Promise<void>;
}

export interface PicturesOptions {
  readonly locate: LocateModel;
  /** Where frozen models compute; the CPU where left out. */
  readonly place?: FrozenPlace;
  /** Whose parts are taken: those of the model that training starts from, or of the run that goes on. */
  readonly from?: Parts | undefined;
  readonly onBroken: (broken: BrokenSample) => void;
  /** Where the index of the samples is kept; beside them where left out. */
  readonly indexFolder?: string | undefined;
}

/** Whether a location is a feature cache's folder. */
export function isCache(location: string): boolean {
  return existsSync(join(location, indexFile));
}

/** Opens a location for training. @throws DreamError where it holds no pictures with captions, or a cache of another recipe */
export async function preparePictures(
  recipe: RecipeOf<"pictures">,
  location: string,
  { locate, place, from, ...reading }: PicturesOptions,
): Promise<PicturesData> {
  if (isCache(location)) return openCache(recipe, location, { locate, place });
  const { sizePixels } = recipe.data;
  const { source, loader } = await openPictures(recipe, location, reading);
  const close = async (): Promise<void> => {
    await loader.close();
    await source.close();
  };
  try {
    const parts =
      from ??
      (await makeParts(recipe, recipe.model, locate, () => examplesOf(source, loader, sizePixels), place));
    return {
      codec: parts.codec,
      captions: parts.captions,
      train: new LiveFeatures(source.count, {
        loader,
        sizePixels,
        codec: parts.codec,
        captions: parts.captions,
        alignment: await openAlignment(recipe, locate, place ?? onCpu),
        seed: recipe.seed,
        augmentation: recipe.data,
      }),
      description: `${source.count} pictures in ${location}`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens pictures for whoever makes features of them. */
export async function openPictures(
  { data }: RecipeOf<"pictures">,
  location: string,
  { onBroken, indexFolder }: Pick<PicturesOptions, "onBroken" | "indexFolder">,
): Promise<{ readonly source: SampleSource; readonly loader: Loader }> {
  const source = await openSamples(location, indexFolder === undefined ? {} : { indexFolder });
  return {
    source,
    loader: new Loader(source, { side: data.sizePixels, brokenShare: data.brokenShare, onBroken }),
  };
}

/** What a cache of a recipe's pictures is made of, as its index says it. */
export function cacheIndexFor(
  recipe: RecipeOf<"pictures">,
  source: SampleSource,
  parts: Parts,
  { rowsPerShard, pixels }: Pick<CacheIndex, "rowsPerShard" | "pixels">,
): CacheIndex {
  requireCentre(recipe);
  checkParts(parts, modelConfigFor(recipe, parts.captions), recipe.data.sizePixels);
  const { codec, captions } = parts;
  const { latent, textTower, captions: told } = recipe.model;
  return {
    format: "dream-features",
    version: 2,
    source: { location: source.location, fingerprint: source.fingerprint, count: source.count },
    description: partsOf(recipe),
    identity: { codec: codec.identity, captions: captions.identity },
    sizePixels: recipe.data.sizePixels,
    rowsPerShard,
    encoded: [codec.encodedChannels, latent.side, latent.side],
    contextLength: textTower.contextLength,
    states: told.kind === "states" ? [told.length, told.width] : null,
    pixels,
  };
}

/** @throws DreamError `value` where a recipe sees other parts of its pictures than a cache keeps */
function requireCentre({ name, data }: RecipeOf<"pictures">): void {
  if (data.crop.kind === "centre") return;
  throw new DreamError("value", {
    operation: `use a cache for ${name}`,
    expected: "a recipe that sees the middle of its pictures",
    got: "one that draws another part at each step",
    hint: "train it on the pictures themselves",
  });
}

async function openCache(
  recipe: RecipeOf<"pictures">,
  folder: string,
  { locate, place = onCpu }: Pick<PicturesOptions, "locate" | "place">,
): Promise<PicturesData> {
  requireCentre(recipe);
  const index = readCacheIndex(folder);
  const { sizePixels, flip } = recipe.data;
  if (!isDeepStrictEqual(index.description, partsOf(recipe)) || index.sizePixels !== sizePixels)
    throw new DreamError("value", {
      operation: `train ${recipe.name} from ${folder}`,
      expected: `features of ${sizePixels} pixels by ${JSON.stringify(partsOf(recipe))}`,
      got: `${index.sizePixels} pixels by ${JSON.stringify(index.description)}`,
      hint: "make a cache with this recipe: dream cache --recipe",
    });
  const parts = await loadParts(folder, { ...partsOf(recipe), model: recipe.model, sizePixels }, null);
  const alignment = await openAlignment(recipe, locate, place);
  const train = new CachedFeatures(folder, parts.codec, alignment, { seed: recipe.seed, flip });
  return {
    ...parts,
    train,
    description: `${train.count} pictures of ${index.source.location}, from the cache in ${folder}`,
    close: async () => {},
  };
}

const partsOf = ({ codec, captions }: PartsDescription): PartsDescription => ({ codec, captions });

/** Captions that a vocabulary is learned from, at most. */
const readCaptions = 50_000;

/** What parts are learned from: samples spread evenly over a source, and fewer of them with their pictures. */
export async function examplesOf(source: SampleSource, loader: Loader, side: number): Promise<Examples> {
  const { count } = source;
  const spread = (most: number): number[] => {
    const taken = Math.min(most, count);
    return Array.from({ length: taken }, (_, i) => Math.floor((i * count) / taken));
  };
  const pictures = [];
  const numbers = spread(fittedPictures);
  const window = 64;
  for (let first = 0; first < numbers.length; first += window) {
    const requests = numbers
      .slice(first, first + window)
      .map((number) => ({ number, view: { kind: "centre" } as const }));
    for (const { pixels } of await loader.load(requests))
      pictures.push({ width: side, height: side, data: pixels });
  }
  const captions: string[] = [];
  const reader = new SampleReader();
  for (const number of spread(readCaptions)) {
    try {
      captions.push((await reader.read(source.reference(number))).caption);
    } catch (error) {
      // The loader counts it when its turn comes.
      if (!(error instanceof DreamError)) throw error;
    }
  }
  await reader.close();
  return { pictures, captions };
}
