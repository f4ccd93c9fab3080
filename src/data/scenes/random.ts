/** @file A scene's own stream of random numbers, from the data set's seed and the scene's number. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Random numbers of one scene; scenes can be drawn in any order. */
export interface SceneRandom {
  /** A number from `low` up to, not including, `high`. */
  between(low: number, high: number): number;
  /** One of several. */
  pick<T>(from: readonly T[]): T;
}

/** Random numbers of one scene: the same seed gives the same scene on every machine. @param seed of the data set @param number of the scene */
export function sceneRandom(seed: number, number: number): SceneRandom {
  const generator = xoroshiro128plus((seed * 0x9e3779b1 + number * 0x85ebca6b) | 0);
  const between = (low: number, high: number): number =>
    low + ((high - low) * uniformInt(generator, 0, 0x3fffffff)) / 0x40000000;
  return {
    between,
    pick: (from) => from[Math.floor(between(0, from.length))]!,
  };
}
