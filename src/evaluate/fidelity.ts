/**
 * @file Text-image fidelity as a count: what the scene reader finds in drawn pictures, held against what their captions say.
 * The reader sees pixels only; a picture of which it cannot read all has every attribute wrong.
 */

import { drawScene, type Split } from "../data/scenes/draw.js";
import { type Combination, combinations } from "../data/scenes/one-object.js";
import { sceneRandom } from "../data/scenes/random.js";
import { isWhole, readScene } from "../data/scenes/reader/read-scene.js";
import { renderScene } from "../data/scenes/render.js";
import type { Picture } from "../formats/images.js";
import { type Interval, shareInterval } from "./intervals.js";

/** What a level-1 caption says, and a picture may show. */
export const attributes = ["shape", "colour", "size", "position", "background"] as const;
export type Attribute = (typeof attributes)[number];

/** Which attributes of one picture are right. */
export type Verdict = Readonly<Record<Attribute, boolean>>;

const nothingRight: Verdict = {
  shape: false,
  colour: false,
  size: false,
  position: false,
  background: false,
};

/** Judges a picture of one object. @param truth what was asked for */
export function judge(picture: Picture, truth: Combination): Verdict {
  const reading = readScene(picture, 1);
  if (reading.kind === "unreadable" || !isWhole(reading) || reading.objects.length !== 1) return nothingRight;
  const object = reading.objects[0]!;
  return {
    shape: object.shape === truth.shape,
    colour: object.colour === truth.colour,
    size: object.size === truth.size,
    position: object.position === truth.position,
    background: reading.background === truth.background,
  };
}

/** Whether a picture shows all that was asked for. */
export function allCorrect(verdict: Verdict): boolean {
  return attributes.every((attribute) => verdict[attribute]);
}

/** Shares of pictures, 0..1. */
export interface Fidelity {
  readonly samples: number;
  readonly allCorrect: number;
  readonly allCorrectInterval: Interval;
  readonly attributes: Readonly<Record<Attribute, number>>;
}

/** Shares of the drawings that are right, altogether and attribute by attribute. */
export function fidelityOf(verdicts: readonly Verdict[]): Fidelity {
  const samples = verdicts.length;
  const share = (right: (verdict: Verdict) => boolean): number => verdicts.filter(right).length / samples;
  return {
    samples,
    allCorrect: share(allCorrect),
    allCorrectInterval: shareInterval(verdicts.filter(allCorrect).length, samples),
    attributes: Object.fromEntries(
      attributes.map((attribute) => [attribute, share((verdict) => verdict[attribute])]),
    ) as Record<Attribute, number>,
  };
}

/** The reader's own mistakes: how often it misreads anything on freshly rendered pictures of level 1. */
export function readerFidelity(sizePixels: number, samples: number, seed: number, split: Split): Fidelity {
  return fidelityOf(
    Array.from({ length: samples }, (_, number) => {
      const { scene, label } = drawScene(1, split, number, sceneRandom(seed, number));
      return judge(renderScene(scene, sizePixels).picture, combinations[label]!);
    }),
  );
}
