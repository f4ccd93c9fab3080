/**
 * @file Text-image fidelity as a count, for scenes of any level: what the scene reader finds in a drawn picture, held against the truth of
 * the scene that its caption tells of. The reader sees pixels only; what it has no word for is wrong.
 */
import { type Combination, combinations } from "../data/scenes/one-object.js";
import { type ReadObject, readScene, type SceneReading } from "../data/scenes/reader/read-scene.js";
import { parseTruth, type SceneTruth } from "../data/scenes/truth.js";
import type { Relation, SceneLevel } from "../data/scenes/vocabulary.js";
import { DreamError } from "../errors.js";
import type { Picture } from "../formats/images.js";
import { samplesOf } from "./drawn-samples.js";
import { judge, attributes as ofOneObject } from "./fidelity.js";
import { type Interval, meanInterval, meanOf, shareInterval } from "./intervals.js";
import type { Measure } from "./measurement.js";
import type { Subject } from "./subject.js";

/** What captions of a level say, and a picture may show. */
export const claims: Readonly<Record<SceneLevel, readonly string[]>> = {
  1: ofOneObject,
  2: ["count", "colour", "shape", "size", "texture", "relation", "background"],
  3: ["count", "colour", "shape", "size", "texture", "background"],
};

/** Which of its level's {@link claims} a picture fulfils. */
export type SceneVerdict = Readonly<Record<string, boolean>>;

/** The words of an object. */
const words = ["colour", "shape", "size", "texture"] as const;

/** @param picture square, as large as the scenes that the reader knows: 32 pixels or more at level 1, 64 or more above */
export function judgeScene(picture: Picture, truth: SceneTruth): SceneVerdict {
  if (truth.level === 1) return { ...judge(picture, combinationOf(truth)) };
  return judgeReading(readScene(picture, truth.level), truth);
}

/** What was read of a picture, held against a truth of level 2 or 3. */
export function judgeReading(reading: SceneReading, truth: SceneTruth): SceneVerdict {
  if (reading.kind === "unreadable")
    return Object.fromEntries(claims[truth.level].map((claim) => [claim, false]));
  const { objects: found, background } = reading;
  const told = truth.objects;
  const meant = bestPairing(truth, found);
  const everyOne = (word: (typeof words)[number]): boolean =>
    told.every((object, i) => meant[i]?.[word] === object[word]);
  return {
    count: found.length === told.length,
    ...Object.fromEntries(words.map((word) => [word, everyOne(word)])),
    ...(truth.relation === undefined ? {} : { relation: isRelated(truth.relation, meant) }),
    background: background === truth.background,
  };
}

/** @throws DreamError `format` where the label is none of level 1's */
function combinationOf({ label }: SceneTruth): Combination {
  const combination = combinations[label];
  if (combination !== undefined) return combination;
  throw new DreamError("format", {
    operation: "judge a scene",
    expected: `a label of level 1, 0 to ${combinations.length - 1}`,
    got: String(label),
  });
}

/** Whether a picture shows all that was asked for. */
export const showsAll = (verdict: SceneVerdict): boolean => Object.values(verdict).every((right) => right);

/**
 * Which object that was found stands for which that was told of: the pairing in which most words are right, and of several such, as where two
 * objects are of one kind, one in which they stand as told.
 * @returns for each that was told of one of the found, or undefined where there are too few
 */
function bestPairing({ objects: told, relation }: SceneTruth, found: readonly ReadObject[]): Pairing {
  const missing = Array<undefined>(Math.max(0, told.length - found.length)).fill(undefined);
  const rightWords = (pairing: Pairing): number =>
    told.reduce((sum, one, i) => sum + words.filter((word) => pairing[i]?.[word] === one[word]).length, 0);
  const right = (pairing: Pairing): number =>
    rightWords(pairing) + (relation !== undefined && isRelated(relation, pairing) ? 0.5 : 0);
  return pairings([...found, ...missing], told.length)
    .map((pairing) => ({ pairing, right: right(pairing) }))
    .reduce((a, b) => (b.right > a.right ? b : a)).pairing;
}

type Pairing = readonly (ReadObject | undefined)[];

/** All ways to take some of the found, one after another. */
function pairings(found: Pairing, count: number): Pairing[] {
  if (count === 0) return [[]];
  return found.flatMap((one, i) => pairings(found.toSpliced(i, 1), count - 1).map((rest) => [one, ...rest]));
}

/** Farther along the relation's axis than across it, in its direction. */
function isRelated(
  { first, second, kind }: NonNullable<SceneTruth["relation"]>,
  objects: readonly (ReadObject | undefined)[],
): boolean {
  const [one, other] = [objects[first], objects[second]];
  if (one === undefined || other === undefined) return false;
  const [right, down] = [one.x - other.x, one.y - other.y];
  const along: Readonly<Record<Relation, number>> = {
    "left of": -right,
    "right of": right,
    above: -down,
    below: down,
  };
  return along[kind] > 0 && along[kind] >= Math.max(Math.abs(right), Math.abs(down));
}

/** Shares of pictures, 0..1. */
export interface SceneFidelity {
  readonly samples: number;
  readonly allRight: number;
  readonly interval: Interval;
  readonly claims: Readonly<Record<string, number>>;
}

/** @param verdicts of one level, at least one */
export function sceneFidelityOf(verdicts: readonly SceneVerdict[]): SceneFidelity {
  const samples = verdicts.length;
  const right = verdicts.filter(showsAll).length;
  const share = (claim: string): number => verdicts.filter((one) => one[claim]).length / samples;
  return {
    samples,
    allRight: right / samples,
    interval: shareInterval(right, samples),
    claims: Object.fromEntries(Object.keys(verdicts[0]!).map((claim) => [claim, share(claim)])),
  };
}

interface DrawnScene {
  readonly picture: Picture;
  readonly truth: SceneTruth;
}

/** Drawings with what they were asked to show. @throws DreamError where a sample has no truth */
async function drawnScenes({ data, drawings }: Subject): Promise<DrawnScene[]> {
  const { drawn } = await drawings!();
  const samples = await samplesOf(data.test, drawn);
  return samples.map(({ truth, key }, i) => ({ picture: drawn[i]!.picture, truth: parseTruth(truth, key) }));
}

const verdictsOn = (scenes: readonly DrawnScene[]): SceneVerdict[] =>
  scenes.map(({ picture, truth }) => judgeScene(picture, truth));

const lacks: Measure["lacks"] = ({ data, drawings }) => {
  if (drawings === null) return "a model that draws";
  return data.scenes === null ? "scenes, whose truth is known" : null;
};

export const sceneFidelityMeasure: Measure = {
  name: "scene-fidelity",
  title: "Drawings that show all that was asked for",
  unit: "share",
  better: "higher",
  of: "drawings",
  lacks,
  run: async (subject) => {
    const verdicts = verdictsOn(await drawnScenes(subject));
    const { allRight, interval, claims: shares } = sceneFidelityOf(verdicts);
    return {
      value: allRight,
      interval,
      samples: verdicts.length,
      outcomes: verdicts.map((verdict) => Number(showsAll(verdict))),
      details: { claims: shares },
    };
  },
};

/** The share of a level's {@link claims} that a picture fulfils, 0..1. */
export const agreementOf = (verdict: SceneVerdict): number => meanOf(Object.values(verdict).map(Number));

export const sceneAgreementMeasure: Measure = {
  name: "scene-agreement",
  title: "What was asked for that drawings show",
  unit: "share",
  better: "higher",
  of: "drawings",
  lacks,
  run: async (subject) => {
    const scenes = await drawnScenes(subject);
    const verdicts = verdictsOn(scenes);
    // Each drawing beside what the next was asked to show.
    const others = scenes.map(({ picture }, i) => ({
      picture,
      truth: scenes[(i + 1) % scenes.length]!.truth,
    }));
    const outcomes = verdicts.map(agreementOf);
    const { mean, low, high } = meanInterval(outcomes);
    return {
      value: mean,
      interval: outcomes.length > 1 ? { low, high } : null,
      samples: outcomes.length,
      outcomes,
      details: {
        claims: sceneFidelityOf(verdicts).claims,
        chance: meanOf(verdictsOn(others).map(agreementOf)),
      },
    };
  },
};
