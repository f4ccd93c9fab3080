/** @file What is said of a scene: varied wordings of the same facts, all five of them in every caption. */
import type { SceneRandom } from "./random.js";
import type { Background, Combination, ObjectSize, Position } from "./vocabulary.js";

const sizeWords: Readonly<Record<ObjectSize, readonly string[]>> = {
  small: ["small", "little", "tiny"],
  large: ["large", "big", "huge"],
};

const positionWords: Readonly<Record<Position, readonly string[]>> = {
  "top left": ["in the top left", "at the upper left"],
  "top right": ["in the top right", "at the upper right"],
  centre: ["in the centre", "in the middle"],
  "bottom left": ["in the bottom left", "at the lower left"],
  "bottom right": ["in the bottom right", "at the lower right"],
};

const groundWords: Readonly<Record<Background, readonly string[]>> = {
  plain: ["on a plain background", "on an empty background"],
  striped: ["on a striped background", "over stripes"],
  dotted: ["on a dotted background", "over dots"],
};

const templates: readonly ((size: string, thing: string, place: string, ground: string) => string)[] = [
  (size, thing, place, ground) => `a ${size} ${thing} ${place} ${ground}`,
  (size, thing, place, ground) => `${place} a ${size} ${thing} ${ground}`,
  (size, thing, place, ground) => `${ground} a ${size} ${thing} ${place}`,
  (size, thing, place, ground) => `there is a ${size} ${thing} ${place} ${ground}`,
  (size, thing, place, ground) => `a picture of a ${size} ${thing} ${ground} ${place}`,
  (size, thing, place, ground) => `one ${size} ${thing} ${ground} ${place}`,
];

/** A caption in one of many wordings. */
export function captionOf(
  { colour, shape, size, position, background }: Combination,
  random: SceneRandom,
): string {
  const thing = `${colour} ${shape}`;
  return random.pick(templates)(
    random.pick(sizeWords[size]),
    thing,
    random.pick(positionWords[position]),
    random.pick(groundWords[background]),
  );
}

/** The first wording of everything, for prompts that people read. */
export function plainCaption({ colour, shape, size, position, background }: Combination): string {
  return templates[0]!(size, `${colour} ${shape}`, positionWords[position][0]!, groundWords[background][0]!);
}
