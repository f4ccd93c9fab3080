/** @file The search bench: scenes of which it is known what they show, indexed, opened again, and found by their sentences. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drawScene } from "../src/data/scenes/draw.js";
import { combinations, plainCaption } from "../src/data/scenes/one-object.js";
import { sceneRandom } from "../src/data/scenes/random.js";
import { renderScene } from "../src/data/scenes/render.js";
import { Dream } from "../src/dream.js";
import { encodePng } from "../src/formats/images.js";
import { PictureIndex } from "../src/search/picture-index.js";
import { packageRoot } from "../src/tensor/index.js";

export interface SearchRow {
  readonly pictures: number;
  /** From files to records on disk. */
  readonly indexedPerSecond: number;
  /** A first search after opening, which reads all vectors, and one after it (median). */
  readonly milliseconds: { readonly first: number; readonly next: number };
  /** Of searches by sentence, share of those whose results are what comparing every vector in plain JavaScript gives. */
  readonly exact: number;
  /** Of the pictures that show what a sentence says, share among as many found (R-precision), over all sentences; and by chance. */
  readonly recall: number;
  readonly chance: number;
}

/** Sentences that are looked for exactly. */
const checked = 20;

const sidePixels = 32;
const seed = 99;

/** Scenes of level 1 that are trained on, with their combinations. @returns the combination of each path */
async function paintScenes(folder: string, count: number): Promise<Map<string, number>> {
  mkdirSync(folder, { recursive: true });
  const shown = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const { scene, label } = drawScene(1, "train", i, sceneRandom(seed, i));
    const path = join(folder, `${String(i).padStart(6, "0")}.png`);
    writeFileSync(path, await encodePng(renderScene(scene, sidePixels).picture));
    shown.set(path, label);
  }
  return shown;
}

/** @param model a run's folder, of a model of 32 pixels */
export async function measureSearch(model: string, count: number): Promise<SearchRow> {
  const folder = mkdtempSync(join(tmpdir(), "dream-search-bench-"));
  const dream = await Dream.load(model);
  try {
    const shown = await paintScenes(join(folder, "pictures"), count);
    const at = join(folder, "index");
    const built = await PictureIndex.open(at, dream, model);
    const began = performance.now();
    await built.update(join(folder, "pictures"));
    const indexedPerSecond = (1000 * count) / (performance.now() - began);
    await built.close();

    const index = await PictureIndex.open(at, dream, model);
    const times: number[] = [];
    const search = async (text: string, many: number) => {
      const asked = performance.now();
      const found = await index.search({ text }, many);
      times.push(performance.now() - asked);
      return found;
    };
    const labels = [...new Set(shown.values())].sort((a, b) => a - b);
    let recalled = 0;
    for (const label of labels) {
      const relevant = [...shown.values()].filter((one) => one === label).length;
      const found = await search(plainCaption(combinations[label]!), relevant);
      recalled += found.filter(({ path }) => shown.get(path) === label).length / relevant / labels.length;
    }
    const exact = await exactShare(dream, index, labels, [...shown.keys()]);
    await index.close();
    const [first, ...next] = times as [number, ...number[]];
    return {
      pictures: count,
      indexedPerSecond,
      milliseconds: { first, next: next.sort((a, b) => a - b)[next.length >> 1]! },
      exact,
      recall: recalled,
      chance: 1 / labels.length,
    };
  } finally {
    await dream.dispose();
    rmSync(folder, { recursive: true });
  }
}

/** Vectors of ties may change places: a result is right where its cosine is, to rounding. */
async function exactShare(
  dream: Dream,
  index: PictureIndex,
  labels: readonly number[],
  paths: readonly string[],
): Promise<number> {
  const vectors: Float32Array[] = [];
  for (let at = 0; at < paths.length; at += 256)
    vectors.push(...(await dream.embedImage(paths.slice(at, at + 256))));
  const stride = Math.max(1, Math.floor(labels.length / checked));
  let right = 0;
  let asked = 0;
  for (let i = 0; i < labels.length; i += stride) {
    const text = plainCaption(combinations[labels[i]!]!);
    const [query] = await dream.embedText([text]);
    const truth = vectors
      .map((vector) => vector.reduce((sum, value, k) => sum + value * query![k]!, 0))
      .sort((a, b) => b - a);
    const found = await index.search({ text }, 10);
    asked++;
    if (found.every(({ score }, rank) => Math.abs(score - truth[rank]!) < 1e-5)) right++;
  }
  return right / asked;
}

/** Of the demo's model. */
export const demoSearch = (): Promise<SearchRow> =>
  measureSearch(join(packageRoot(), "runs", "demo"), 10_000);

export function searchSentence({
  pictures,
  indexedPerSecond,
  milliseconds: { first, next },
  exact,
  recall,
  chance,
}: SearchRow): string {
  return `${pictures} pictures: indexed at ${indexedPerSecond.toFixed(0)} a second; a search in ${next.toFixed(1)} ms, the first after opening in ${first.toFixed(0)} ms; ${(100 * exact).toFixed(0)}% of searches exact; ${(100 * recall).toFixed(1)}% of what a sentence means is found among as many (by chance ${(100 * chance).toFixed(1)}%)`;
}
