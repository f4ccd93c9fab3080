/** @file Level 1: one object of 6 colours, 3 shapes and 2 sizes at one of 5 places on one of 3 grounds: 540 combinations. */
import { groundPhrases, placePhrases, sizeWords, withArticle } from "./phrases.js";
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

/** @param noun without article @param place a phrase, or nothing @param ground a phrase, or nothing */
type Template = (noun: string, place: string, ground: string) => string;

const templates: readonly Template[] = [
  (noun, place, ground) => `${withArticle(noun)} ${place} ${ground}`,
  (noun, place, ground) => `${place} ${withArticle(noun)} ${ground}`,
  (noun, place, ground) => `${ground} ${withArticle(noun)} ${place}`,
  (noun, place, ground) => `there is ${withArticle(noun)} ${place} ${ground}`,
  (noun, place, ground) => `a picture of ${withArticle(noun)} ${ground} ${place}`,
  (noun, place, ground) => `one ${noun} ${ground} ${place}`,
];

/** A caption that says all five facts, in one of many wordings. */
export function oneObjectCaption(combination: Combination, random: SceneRandom): string {
  return sayOf(combination, () => true, random);
}

/** Of so many captions one is brief. */
const briefEvery = 4;

/** A caption as people write them: one of four leaves out some of size, colour, place and ground. */
export function looseCaption(combination: Combination, random: SceneRandom): string {
  if (random.pick([...Array(briefEvery).keys()]) > 0) return oneObjectCaption(combination, random);
  return sayOf(combination, () => random.pick([true, false]), random);
}

/** @param says for each fact apart from the shape whether it is said */
function sayOf(
  { colour, shape, size, position, background }: Combination,
  says: () => boolean,
  random: SceneRandom,
): string {
  const phrase = (wordings: readonly string[]): string => (says() ? random.pick(wordings) : "");
  const noun = [phrase(sizeWords[size]), phrase([colour]), shape].filter((word) => word !== "").join(" ");
  const said = random.pick(templates)(
    noun,
    phrase(placePhrases[position]),
    phrase(groundPhrases[background]),
  );
  return said
    .split(/\s+/)
    .filter((word) => word !== "")
    .join(" ");
}

/** The first wording of everything, for prompts that people read. */
export function plainCaption({ colour, shape, size, position, background }: Combination): string {
  return templates[0]!(
    `${size} ${colour} ${shape}`,
    placePhrases[position][0]!,
    groundPhrases[background][0]!,
  );
}
