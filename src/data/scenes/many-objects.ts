/** @file Level 3: one to four objects to count, some hiding parts of others, among clutter, on gradients and noise too. */
import { countWords, groundPhrases, nounOf, withArticle } from "./phrases.js";
import type { SceneRandom } from "./random.js";
import {
  clutterOf,
  groundOf,
  jitteredRadius,
  objectAt,
  reach,
  type Scene,
  type SceneObject,
} from "./scene.js";
import { anyKind } from "./two-objects.js";
import { backgrounds, type ObjectKind } from "./vocabulary.js";

/** Objects of one colour stay this many radii apart; of two colours, one may hide a part of the other. */
const apart = 1.3;
const overlapping = 0.8;

/** Tries to find places before the picture is begun anew. */
const attempts = 60;

/** One to four kinds; in every third scene all are alike, for counting. */
export function someKinds(random: SceneRandom): ObjectKind[] {
  const count = random.pick([1, 2, 3, 4]);
  const alike = random.between(0, 3) < 1;
  const first = anyKind(random);
  return Array.from({ length: count }, (_, i) => (i === 0 || alike ? first : anyKind(random)));
}

/** A scene of one to four kinds. */
export function manyObjectScene(kinds: readonly ObjectKind[], random: SceneRandom): Scene {
  const objects = placedApart(kinds, random);
  const ground = groundOf(random.pick(backgrounds), random);
  return {
    level: 3,
    ground,
    clutter: clutterOf(Math.floor(random.between(0, 6)), random),
    objects: objects.sort((a, b) => b.depthMetres - a.depthMetres),
    relation: null,
  };
}

function placedApart(kinds: readonly ObjectKind[], random: SceneRandom): SceneObject[] {
  for (;;) {
    const objects: SceneObject[] = [];
    for (const kind of kinds) {
      const found = placeBeside(kind, objects, random);
      if (found !== null) objects.push(found);
    }
    if (objects.length === kinds.length) return objects;
  }
}

function placeBeside(
  kind: ObjectKind,
  others: readonly SceneObject[],
  random: SceneRandom,
): SceneObject | null {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const radius = jitteredRadius(3, kind, random);
    const margin = reach * radius;
    const [x, y] = anyPlace(others, radius, random);
    if (Math.min(x, y) < margin || Math.max(x, y) > 1 - margin) continue;
    const free = others.every((other) => {
      const least = (other.colour === kind.colour ? apart : overlapping) * (radius + other.radius);
      return Math.hypot(x - other.x, y - other.y) >= least;
    });
    if (free) return objectAt(kind, { x, y, radius }, random);
  }
  return null;
}

/** Every other time close to an object that is there, so that things hide each other more often than by chance. */
function anyPlace(
  others: readonly SceneObject[],
  radius: number,
  random: SceneRandom,
): [x: number, y: number] {
  if (others.length === 0 || random.between(0, 1) < 0.5) return [random.between(0, 1), random.between(0, 1)];
  const { x, y, radius: other } = random.pick(others);
  const distance = random.between(overlapping, 1.1) * (radius + other);
  const angle = random.between(0, 2 * Math.PI);
  return [x + distance * Math.cos(angle), y + distance * Math.sin(angle)];
}

/** A caption that counts what is alike, names the rest, and says the ground. */
export function manyObjectCaption({ objects, ground }: Scene, random: SceneRandom): string {
  const groups = new Map<string, ObjectKind[]>();
  for (const object of objects) {
    const key = [object.size, object.texture, object.colour, object.shape].join(" ");
    groups.set(key, [...(groups.get(key) ?? []), object]);
  }
  const names = [...groups.values()].map((group) => {
    const noun = nounOf(group[0]!, random);
    return group.length === 1 ? withArticle(noun) : `${countWords[group.length]} ${noun}s`;
  });
  const listed = names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  const place = random.pick(groundPhrases[ground.kind]);
  const total = countWords[objects.length];
  const templates = [
    `${listed} ${place}`,
    `${place} ${listed}`,
    `a picture of ${listed} ${place}`,
    ...(names.length > 1 ? [`${total} objects ${place}: ${listed}`] : []),
  ];
  return random.pick(templates);
}
