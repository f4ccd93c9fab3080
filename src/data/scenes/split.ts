/** @file Which combinations are never trained on: every tenth and a few more, spread so that each single word stays common. */
import { combinations } from "./vocabulary.js";

export type Split = "train" | "held-out";

/**
 * The numbers of a split's combinations. Held out are those whose attributes' places add up to 0 modulo 9, in which each
 * value of each attribute occurs about as often as elsewhere: 61 of 540.
 */
export function combinationsOf(split: Split): number[] {
  const isHeldOut = (number: number): boolean => {
    const background = number % 3;
    const position = Math.floor(number / 3) % 5;
    const size = Math.floor(number / 15) % 2;
    const shape = Math.floor(number / 30) % 3;
    const colour = Math.floor(number / 90);
    return (background + 2 * position + 3 * size + 4 * shape + 5 * colour) % 9 === 0;
  };
  return [...combinations.keys()].filter((number) => isHeldOut(number) === (split === "held-out"));
}
