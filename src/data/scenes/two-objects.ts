/** @file Level 2: two textured objects, one of them beside, above or below the other. */
import { groundPhrases, inverseRelation, nounOf, relationPhrases, withArticle } from "./phrases.js";
import type { SceneRandom } from "./random.js";
import { groundOf, jitteredRadius, objectAt, reach, type Scene, type SceneObject } from "./scene.js";
import {
  colours,
  type ObjectKind,
  objectSizes,
  patternedBackgrounds,
  type Relation,
  relations,
  shapes,
  textures,
} from "./vocabulary.js";

/** The least room between two objects, and how far a second may be off the axis of its relation for each step along it. */
const gap = 0.05;
const slant = 0.45;

/** A kind, each of its words equally likely. */
export function anyKind(random: SceneRandom): ObjectKind {
  return {
    colour: random.pick(colours),
    shape: random.pick(shapes),
    size: random.pick(objectSizes),
    texture: random.pick(textures),
  };
}

/**
 * Whether two kinds are never seen together in training, whatever their sizes and textures: each of the 18 of colour and shape
 * has 2 such partners.
 */
export function isHeldOutPair(a: ObjectKind, b: ObjectKind): boolean {
  const number = ({ colour, shape }: ObjectKind): number =>
    colours.indexOf(colour) * shapes.length + shapes.indexOf(shape);
  return (number(a) + number(b)) % 9 === 0;
}

/** A scene of two kinds. */
export function twoObjectScene(kinds: readonly [ObjectKind, ObjectKind], random: SceneRandom): Scene {
  const kind = random.pick(relations);
  const [first, second] = placed(kinds, kind, random);
  const ground = groundOf(random.pick(patternedBackgrounds), random);
  // From the farthest to the nearest.
  const inOrder = first.depthMetres >= second.depthMetres;
  return {
    level: 2,
    ground,
    clutter: [],
    objects: inOrder ? [first, second] : [second, first],
    relation: { first: inOrder ? 0 : 1, second: inOrder ? 1 : 0, kind },
  };
}

/** Both objects inside the picture and apart, the first where the relation says, seen from the second. */
function placed(
  [a, b]: readonly [ObjectKind, ObjectKind],
  relation: Relation,
  random: SceneRandom,
): [SceneObject, SceneObject] {
  const [ra, rb] = [jitteredRadius(2, a, random), jitteredRadius(2, b, random)];
  const within = (low: number, high: number): number => random.between(low, Math.max(low, high));
  // Along the axis the one that comes first, then the other, and what room is left shared at random.
  const swapped = relation === "right of" || relation === "below";
  const [r0, r1] = swapped ? [rb, ra] : [ra, rb];
  const apart = reach * (r0 + r1) + gap;
  const along0 = within(reach * r0, 1 - reach * r1 - apart);
  const along1 = within(along0 + apart, 1 - reach * r1);
  const across0 = within(reach * r0, 1 - reach * r0);
  const lean = slant * (along1 - along0);
  const across1 = within(Math.max(reach * r1, across0 - lean), Math.min(1 - reach * r1, across0 + lean));
  const horizontal = relation === "left of" || relation === "right of";
  const at = (along: number, across: number, radius: number) =>
    horizontal ? { x: along, y: across, radius } : { x: across, y: along, radius };
  const [placeA, placeB] = swapped
    ? [at(along1, across1, r1), at(along0, across0, r0)]
    : [at(along0, across0, r0), at(along1, across1, r1)];
  return [objectAt(a, placeA, random), objectAt(b, placeB, random)];
}

const templates: readonly ((first: string, relation: string, second: string, ground: string) => string)[] = [
  (first, relation, second, ground) => `${first} ${relation} ${second} ${ground}`,
  (first, relation, second, ground) => `${ground} ${first} ${relation} ${second}`,
  (first, relation, second, ground) => `there is ${first} ${relation} ${second} ${ground}`,
  (first, relation, second, ground) => `a picture of ${first} ${relation} ${second} ${ground}`,
  (first, relation, second, ground) => `two objects ${ground}: ${first} ${relation} ${second}`,
];

/** A caption that says both kinds, their relation from either side, and the ground. */
export function twoObjectCaption({ objects, relation, ground }: Scene, random: SceneRandom): string {
  if (relation === null) throw new Error("internal: a scene of level 2 without a relation");
  const { first, second, kind } = relation;
  const turned = random.between(0, 1) < 0.5;
  const [one, other] = turned ? [second, first] : [first, second];
  const phrase = random.pick(relationPhrases[turned ? inverseRelation[kind] : kind]);
  const name = (number: number): string => withArticle(nounOf(objects[number]!, random));
  return random.pick(templates)(name(one), phrase, name(other), random.pick(groundPhrases[ground.kind]));
}
