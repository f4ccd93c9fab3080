/** @file Level 1: one object of 6 colours, 3 shapes and 2 sizes at one of 5 places on one of 3 grounds: 540 combinations. */
import { groundPhrases, placePhrases, sizeWords } from "./phrases.js";
import type { SceneRandom } from "./random.js";
import { groundOf, jitteredRadius, objectAt, type Scene } from "./scene.js";
import {
  type Background,
  type Colour,
  centres,
  colours,
  type ObjectSize,
  objectSizes,
  type Position,
  patternedBackgrounds,
  positions,
  type Shape,
  shapes,
} from "./vocabulary.js";

/** What a level-1 scene shows, without its jitter. */
export interface Combination {
  readonly colour: Colour;
  readonly shape: Shape;
  readonly size: ObjectSize;
  readonly position: Position;
  readonly background: Background;
}

/** All 540, in a fixed order; a combination's number is its place here. */
export const combinations: readonly Combination[] = colours.flatMap((colour) =>
  shapes.flatMap((shape) =>
    objectSizes.flatMap((size) =>
      positions.flatMap((position) =>
        patternedBackgrounds.map((background) => ({ colour, shape, size, position, background })),
      ),
    ),
  ),
);

/**
 * Whether a combination is never trained on: where its attributes' places add up to 0 modulo 9, in which each value of each
 * attribute occurs about as often as elsewhere. 61 of 540.
 */
export function isHeldOutCombination({ colour, shape, size, position, background }: Combination): boolean {
  const places =
    patternedBackgrounds.indexOf(background as (typeof patternedBackgrounds)[number]) +
    2 * positions.indexOf(position) +
    3 * objectSizes.indexOf(size) +
    4 * shapes.indexOf(shape) +
    5 * colours.indexOf(colour);
  return places % 9 === 0;
}

/** A combination's scene, every number of it jittered. */
export function oneObjectScene(combination: Combination, random: SceneRandom): Scene {
  const [x, y] = centres[combination.position];
  const kind = { ...combination, texture: "solid" } as const;
  const place = {
    x: x + random.between(-0.035, 0.035),
    y: y + random.between(-0.035, 0.035),
    radius: jitteredRadius(1, kind, random),
  };
  const objects = [objectAt(kind, place, random)];
  return { level: 1, ground: groundOf(combination.background, random), clutter: [], objects, relation: null };
}

const templates: readonly ((size: string, thing: string, place: string, ground: string) => string)[] = [
  (size, thing, place, ground) => `a ${size} ${thing} ${place} ${ground}`,
  (size, thing, place, ground) => `${place} a ${size} ${thing} ${ground}`,
  (size, thing, place, ground) => `${ground} a ${size} ${thing} ${place}`,
  (size, thing, place, ground) => `there is a ${size} ${thing} ${place} ${ground}`,
  (size, thing, place, ground) => `a picture of a ${size} ${thing} ${ground} ${place}`,
  (size, thing, place, ground) => `one ${size} ${thing} ${ground} ${place}`,
];

/** A caption that says all five facts, in one of many wordings. */
export function oneObjectCaption(
  { colour, shape, size, position, background }: Combination,
  random: SceneRandom,
): string {
  const template = random.pick(templates);
  const word = random.pick(sizeWords[size]);
  const place = random.pick(placePhrases[position]);
  return template(word, `${colour} ${shape}`, place, random.pick(groundPhrases[background]));
}

/** The first wording of everything, for prompts that people read. */
export function plainCaption({ colour, shape, size, position, background }: Combination): string {
  return templates[0]!(size, `${colour} ${shape}`, placePhrases[position][0]!, groundPhrases[background][0]!);
}
