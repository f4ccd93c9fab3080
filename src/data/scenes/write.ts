/**
 * @file Scenes as ordinary webdataset shards. Each sample has a picture (`.png`), a caption (`.txt`), its truth (`.json`), which
 * object each pixel shows (`.mask.png`, 8 bits) and how far away that is (`.depth.png`, 16 bits, millimetres).
 */
import { join } from "node:path";
import { encodeGrey, encodePng } from "../../formats/images.js";
import { type TarEntry, writeTar } from "../../formats/tar-writer.js";
import { type DrawnScene, drawScene, type Split } from "./draw.js";
import { combinations } from "./one-object.js";
import { sceneRandom } from "./random.js";
import { type RenderedScene, renderScene } from "./render.js";
import type { SceneTruth } from "./truth.js";
import type { SceneLevel } from "./vocabulary.js";

/** What to write, and where. */
export interface ScenesRequest {
  readonly level: SceneLevel;
  readonly split: Split;
  readonly count: number;
  readonly seed: number;
  readonly sizePixels: number;
  readonly folder: string;
  readonly samplesPerShard: number;
  /** Told as samples are written. What it throws ends the writing; a shard that is not whole is not left behind. */
  readonly onProgress?: (written: number) => void;
}

/** Samples that are encoded at a time. */
const window = 64;

/**
 * Writes `<split>-000000.tar` and on; the same request gives the same bytes.
 * @returns the shards' paths
 */
export async function writeScenes(request: ScenesRequest): Promise<string[]> {
  const { count, samplesPerShard, folder, split } = request;
  const paths: string[] = [];
  for (let start = 0; start < count; start += samplesPerShard) {
    const end = Math.min(count, start + samplesPerShard);
    const path = join(folder, `${split}-${String(paths.length).padStart(6, "0")}.tar`);
    await writeTar(path, shardEntries(request, start, end));
    paths.push(path);
  }
  return paths;
}

async function* shardEntries(request: ScenesRequest, start: number, end: number): AsyncGenerator<TarEntry> {
  for (let first = start; first < end; first += window) {
    const numbers = Array.from({ length: Math.min(window, end - first) }, (_, i) => first + i);
    for (const entries of await Promise.all(numbers.map((number) => sampleEntries(request, number))))
      yield* entries;
    request.onProgress?.(first + numbers.length);
  }
}

async function sampleEntries(
  { level, split, seed, sizePixels }: ScenesRequest,
  number: number,
): Promise<TarEntry[]> {
  // Levels and splits have streams of their own.
  const stream = seed * 6 + (level - 1) * 2 + (split === "train" ? 0 : 1);
  const drawn = drawScene(level, split, number, sceneRandom(stream, number));
  const rendered = renderScene(drawn.scene, sizePixels);
  const size = { width: sizePixels, height: sizePixels };
  const [picture, mask, depth] = await Promise.all([
    encodePng(rendered.picture),
    encodeGrey({ ...size, data: rendered.mask }),
    encodeGrey({ ...size, data: rendered.depthMillimetres }),
  ]);
  const key = String(number).padStart(8, "0");
  return [
    { name: `${key}.png`, data: picture },
    { name: `${key}.txt`, data: Buffer.from(drawn.caption) },
    { name: `${key}.json`, data: Buffer.from(JSON.stringify(truthOf(drawn, rendered))) },
    { name: `${key}.mask.png`, data: mask },
    { name: `${key}.depth.png`, data: depth },
  ];
}

/** What a sample's JSON says. */
export function truthOf({ scene, caption, label }: DrawnScene, { visibleShares }: RenderedScene): SceneTruth {
  const { level, ground, objects, relation } = scene;
  return {
    level,
    label,
    caption,
    background: ground.kind,
    ...(level === 1 ? { position: combinations[label]!.position } : {}),
    ...(relation === null ? {} : { relation }),
    objects: objects.map(({ rgb: _, ...object }, i) => ({ ...object, visibleShare: visibleShares[i]! })),
  };
}
