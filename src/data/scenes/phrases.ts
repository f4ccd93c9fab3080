/** @file What the words of the vocabulary are called in captions: several wordings each, the plainest first. */
import type { SceneRandom } from "./random.js";
import type { Background, ObjectKind, ObjectSize, Position, Relation, Texture } from "./vocabulary.js";

export const sizeWords: Readonly<Record<ObjectSize, readonly string[]>> = {
  small: ["small", "little", "tiny"],
  large: ["large", "big", "huge"],
};

export const textureWords: Readonly<Record<Texture, readonly string[]>> = {
  solid: ["solid", "even"],
  striped: ["striped", "stripy"],
  dotted: ["dotted", "spotted"],
};

export const placePhrases: Readonly<Record<Position, readonly string[]>> = {
  "top left": ["in the top left", "at the upper left"],
  "top right": ["in the top right", "at the upper right"],
  centre: ["in the centre", "in the middle"],
  "bottom left": ["in the bottom left", "at the lower left"],
  "bottom right": ["in the bottom right", "at the lower right"],
};

export const groundPhrases: Readonly<Record<Background, readonly string[]>> = {
  plain: ["on a plain background", "on an empty background"],
  striped: ["on a striped background", "over stripes"],
  dotted: ["on a dotted background", "over dots"],
  gradient: ["on a gradient background", "on a shaded background"],
  noisy: ["on a noisy background", "on a grainy background"],
};

export const relationPhrases: Readonly<Record<Relation, readonly string[]>> = {
  "left of": ["left of", "to the left of"],
  "right of": ["right of", "to the right of"],
  above: ["above", "higher than"],
  below: ["below", "lower than"],
};

/** The same fact told from the other object. */
export const inverseRelation: Readonly<Record<Relation, Relation>> = {
  "left of": "right of",
  "right of": "left of",
  above: "below",
  below: "above",
};

export const countWords = ["no", "one", "two", "three", "four"] as const;

/** An object as a noun, without article: "large striped red circle". */
export function nounOf({ size, texture, colour, shape }: ObjectKind, random: SceneRandom): string {
  return `${random.pick(sizeWords[size])} ${random.pick(textureWords[texture])} ${colour} ${shape}`;
}

/** With its article: one word of the vocabulary begins with a vowel. */
export function withArticle(noun: string): string {
  return `${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun}`;
}
