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
import {
  backgrounds,
  type ObjectKind,
  patternedBackgrounds,
  relations,
  type SceneLevel,
} from "./vocabulary.js";

/** What is trained on, and what is kept back: whole combinations at level 1, pairs of kinds at levels 2 and 3. */
export type Split = "train" | "held-out";

export interface DrawnScene {
  readonly scene: Scene;
  readonly caption: string;
  /** Level 1: the combination's number. Level 2: the relation's and ground's, 0..11. Level 3: how many objects, 1..4. */
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

/** @param number of the sample; at level 1 samples go through the combinations in turn */
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
      return { scene, caption: twoObjectCaption(scene, random), label: relationLabel(scene) };
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

function relationLabel({ relation, ground }: Scene): number {
  return relations.indexOf(relation!.kind) * patternedBackgrounds.length + backgrounds.indexOf(ground.kind);
}
