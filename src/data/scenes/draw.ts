/** @file One sample of the data set by its number: kinds of its split, a scene, a caption, a label. */

import { manyObjectCaption, manyObjectScene, someKinds } from "./many-objects.js";
import {
  combinations,
  isHeldOutCombination,
  looseCaption,
  oneObjectCaption,
  oneObjectScene,
} from "./one-object.js";
import type { SceneRandom } from "./random.js";
import type { Scene } from "./scene.js";
import { anyKind, isHeldOutPair, twoObjectCaption, twoObjectScene } from "./two-objects.js";
import { colours, type ObjectKind, type SceneLevel, shapes } from "./vocabulary.js";

/** What is trained on, and what is kept back: whole combinations at level 1, pairs of kinds at levels 2 and 3. */
export type Split = "train" | "held-out";

/** A scene, and what was drawn at random to make it. */
export interface DrawnScene {
  readonly scene: Scene;
  readonly caption: string;
  /** Level 1: the combination's number. Level 2: colour and shape of the object on the left or on top, 0..17. Level 3: how many objects, 1..4. */
  readonly label: number;
}

/** The numbers of a split's combinations (level 1). */
export function combinationsOf(split: Split): number[] {
  return [...combinations.keys()].filter(
    (number) => isHeldOutCombination(combinations[number]!) === (split === "held-out"),
  );
}

const numbersBySplit: Readonly<Record<Split, readonly number[]>> = {
  train: combinationsOf("train"),
  "held-out": combinationsOf("held-out"),
};

/** A random scene of a level; whether its combination is one that is trained on is told by the split. @param number of the sample; at level 1 samples go through the combinations in turn */
export function drawScene(level: SceneLevel, split: Split, number: number, random: SceneRandom): DrawnScene {
  switch (level) {
    case 1: {
      const numbers = numbersBySplit[split];
      const label = numbers[number % numbers.length]!;
      const combination = combinations[label]!;
      const scene = oneObjectScene(combination, random);
      // Pictures that are judged are judged by all that their captions say.
      const caption = (split === "train" ? looseCaption : oneObjectCaption)(combination, random);
      return { scene, caption, label };
    }
    case 2: {
      const kinds = kindsOf(split, () => [anyKind(random), anyKind(random)]) as [ObjectKind, ObjectKind];
      const scene = twoObjectScene(kinds, random);
      return { scene, caption: twoObjectCaption(scene, random), label: firstObjectLabel(scene) };
    }
    case 3: {
      const scene = manyObjectScene(
        kindsOf(split, () => someKinds(random)),
        random,
      );
      return { scene, caption: manyObjectCaption(scene, random), label: scene.objects.length };
    }
    default:
      throw new Error(`internal: no level ${level satisfies never}`);
  }
}

/** Kinds drawn until they belong to a split: held out are those among which some pair is. */
function kindsOf(split: Split, draw: () => ObjectKind[]): ObjectKind[] {
  for (;;) {
    const kinds = draw();
    const heldOut = kinds.some((a, i) => kinds.slice(i + 1).some((b) => isHeldOutPair(a, b)));
    if (heldOut === (split === "held-out")) return kinds;
  }
}

/** What a picture alone decides: which of two objects a caption names first is anybody's choice, which one is on the left or on top is not. */
function firstObjectLabel({ relation, objects }: Scene): number {
  const { first, second, kind } = relation!;
  const { colour, shape } = objects[kind === "left of" || kind === "above" ? first : second]!;
  return colours.indexOf(colour) * shapes.length + shapes.indexOf(shape);
}
