/** @file Scenes as ordinary webdataset shards: a PNG, a caption, the truth as JSON and the object mask of every sample. */
import { join } from "node:path";
import sharp from "sharp";
import { encodePng } from "../../formats/images.js";
import { type TarEntry, writeTar } from "../../formats/tar.js";
import { captionOf } from "./captions.js";
import { sceneRandom } from "./random.js";
import { renderScene } from "./render.js";
import { type Scene, sceneOf } from "./scene.js";
import { combinationsOf, type Split } from "./split.js";
import { combinations } from "./vocabulary.js";

/** What to write, and where. */
export interface ScenesRequest {
  readonly split: Split;
  readonly count: number;
  readonly seed: number;
  readonly sizePixels: number;
  readonly folder: string;
  readonly samplesPerShard: number;
  /** Told after every shard how many samples are written. */
  readonly onProgress?: (written: number) => void;
}

/**
 * Writes `<split>-000000.tar` and on; the same request gives the same bytes.
 * @returns the shards' paths
 */
export async function writeScenes(request: ScenesRequest): Promise<string[]> {
  const { count, samplesPerShard, folder, split, onProgress } = request;
  const numbers = combinationsOf(split);
  const paths: string[] = [];
  for (let start = 0; start < count; start += samplesPerShard) {
    const end = Math.min(count, start + samplesPerShard);
    const path = join(folder, `${split}-${String(paths.length).padStart(6, "0")}.tar`);
    await writeTar(path, shardEntries(request, numbers, start, end));
    paths.push(path);
    onProgress?.(end);
  }
  return paths;
}

/** Samples that are encoded at a time. */
const window = 64;

async function* shardEntries(
  { seed, sizePixels, split }: ScenesRequest,
  numbers: readonly number[],
  start: number,
  end: number,
): AsyncGenerator<TarEntry> {
  // Training and held-out scenes have streams of their own.
  const stream = seed * 2 + (split === "train" ? 0 : 1);
  for (let first = start; first < end; first += window) {
    const samples = Array.from({ length: Math.min(window, end - first) }, (_, i) =>
      sampleEntries(stream, first + i, numbers[(first + i) % numbers.length]!, sizePixels),
    );
    for (const entries of await Promise.all(samples)) yield* entries;
  }
}

async function sampleEntries(
  stream: number,
  sample: number,
  number: number,
  sizePixels: number,
): Promise<TarEntry[]> {
  const random = sceneRandom(stream, sample);
  const combination = combinations[number]!;
  const scene = sceneOf(combination, random);
  const caption = captionOf(combination, random);
  const { picture, mask } = renderScene(scene, sizePixels);
  const key = String(sample).padStart(8, "0");
  const raw = { width: sizePixels, height: sizePixels, channels: 1 } as const;
  const maskPng = await sharp(mask, { raw }).toColourspace("b-w").png().toBuffer();
  return [
    { name: `${key}.png`, data: await encodePng(picture) },
    { name: `${key}.txt`, data: Buffer.from(caption) },
    { name: `${key}.json`, data: Buffer.from(JSON.stringify(truthOf(scene, number, caption))) },
    { name: `${key}.mask.png`, data: maskPng },
  ];
}

/** What a sample's JSON says. */
function truthOf(scene: Scene, combination: number, caption: string) {
  const { level, ground, objects } = scene;
  return { level, label: combination, caption, background: ground.kind, objects };
}
