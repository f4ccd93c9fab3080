/**
 * @file The dense truths of our own scenes, from the shards that they are written in: which kind of object each pixel shows, and how far away
 * that is. A class is a colour and a shape; 0 is the ground.
 */
import { basename } from "node:path";
import { DreamError } from "../../errors.js";
import { readFileBytes } from "../../formats/file-bytes.js";
import { decodeGrey, decodePicture, type GreyPicture } from "../../formats/images.js";
import { parseForeignJson } from "../../formats/json.js";
import { tarMembers } from "../../formats/tar.js";
import { expand } from "../location.js";
import type { FileRange } from "../sample.js";
import { parseTruth, type SceneTruth } from "../scenes/truth.js";
import { colours, shapes } from "../scenes/vocabulary.js";
import type { DenseData, DensePictures, DenseSplit, DepthTruth, LabelTruth } from "./dense-split.js";

/** Names of the classes that pixels of scenes have. */
export const pixelClasses: readonly string[] = [
  "ground",
  ...colours.flatMap((colour) => shapes.map((shape) => `${colour} ${shape}`)),
];

const endings = ["png", "json", "mask.png", "depth.png"] as const;
type Ending = (typeof endings)[number];

/** Where a scene's members lie. */
interface SceneMembers {
  readonly key: string;
  readonly archive: string;
  readonly ranges: Readonly<Record<Ending, FileRange>>;
}

/**
 * Opens both dense tasks of scenes.
 * @param patterns of the shards of each split
 * @param limits the most pictures of each: the first ones
 * @throws DreamError `format` naming a scene without one of its members
 */
export function openSceneTruths(
  patterns: { readonly train: string; readonly test: string },
  limits: { readonly train: number; readonly test: number },
): { readonly [K in keyof DenseData]: NonNullable<DenseData[K]> } {
  const train = openSplit("train", patterns.train, limits.train);
  const test = openSplit("held-out", patterns.test, limits.test);
  return {
    segmentation: { train: train.labels, test: test.labels, classes: pixelClasses },
    depth: { train: train.depth, test: test.depth },
  };
}

function openSplit(
  name: string,
  pattern: string,
  most: number,
): { readonly labels: DenseSplit<LabelTruth>; readonly depth: DenseSplit<DepthTruth> } {
  const scenes = findScenes(pattern, most);
  const bytes = (number: number, ending: Ending): Uint8Array => {
    const { archive, ranges } = scenes[number]!;
    return readFileBytes(archive, ranges[ending].offset, ranges[ending].size);
  };
  const nameOf = (number: number, ending: Ending): string => {
    const { archive, key } = scenes[number]!;
    return `${archive}: ${key}.${ending}`;
  };
  const grey = (number: number, ending: Ending): Promise<GreyPicture> =>
    decodeGrey(bytes(number, ending), nameOf(number, ending));
  const pictures: DensePictures = {
    name,
    count: scenes.length,
    read: (number) => decodePicture(bytes(number, "png"), nameOf(number, "png")),
  };
  return {
    labels: {
      pictures,
      truth: async (number) => {
        const { width, height, data } = await grey(number, "mask.png");
        const source = nameOf(number, "json");
        const truth = parseTruth(parseForeignJson(bytes(number, "json"), source), source);
        return { width, height, data: classesOf(data, truth, nameOf(number, "mask.png")) };
      },
    },
    depth: {
      pictures,
      truth: async (number) => {
        const { width, height, data } = await grey(number, "depth.png");
        return { width, height, data: new Uint16Array(data) };
      },
    },
  };
}

/** Each pixel's class, of the number of the object that it shows. */
function classesOf(mask: ArrayLike<number>, { objects }: SceneTruth, source: string): Uint8Array {
  const classes = [
    0,
    ...objects.map(
      ({ colour, shape }) => 1 + colours.indexOf(colour) * shapes.length + shapes.indexOf(shape),
    ),
  ];
  const labels = new Uint8Array(mask.length);
  for (let i = 0; i < mask.length; i++) {
    const found = classes[mask[i]!];
    if (found === undefined)
      throw new DreamError("format", {
        operation: `read ${source}`,
        expected: `0 or one of ${objects.length} objects`,
        got: `${mask[i]} at pixel ${i}`,
      });
    labels[i] = found;
  }
  return labels;
}

function findScenes(pattern: string, most: number): SceneMembers[] {
  const scenes: SceneMembers[] = [];
  for (const archive of expand(pattern)) {
    if (scenes.length >= most) break;
    const found = new Map<string, Partial<Record<Ending, FileRange>>>();
    for (const { name, offset, size } of tarMembers(archive)) {
      const dot = name.indexOf(".");
      const [key, ending] = [name.slice(0, dot), name.slice(dot + 1)];
      const ranges = found.get(key) ?? {};
      found.set(key, ranges);
      if (isEnding(ending)) ranges[ending] = { offset, size };
    }
    for (const [key, ranges] of found) scenes.push({ key, archive, ranges: whole(ranges, key, archive) });
  }
  return scenes.slice(0, most);
}

const isEnding = (text: string): text is Ending => (endings as readonly string[]).includes(text);

/** @throws DreamError `format` naming what is missing */
function whole(
  ranges: Partial<Record<Ending, FileRange>>,
  key: string,
  archive: string,
): SceneMembers["ranges"] {
  const missing = endings.filter((ending) => ranges[ending] === undefined);
  if (missing.length === 0) return ranges as SceneMembers["ranges"];
  throw new DreamError("format", {
    operation: `read ${archive}`,
    expected: `a picture, its JSON, mask and depth for each scene`,
    got: `no ${missing.map((ending) => `${key}.${ending}`).join(", ")} in ${basename(archive)}`,
    hint: "`dream data scenes` writes shards that have all of them",
  });
}
