/** @file The sentences of a demo, all of combinations that are never trained on, spread over the world. */
import { combinationsOf } from "../data/scenes/draw.js";
import { type Combination, combinations, oneObjectCaption, plainCaption } from "../data/scenes/one-object.js";
import { sceneRandom } from "../data/scenes/random.js";

export interface Prompt {
  /** Names the drawing's file. */
  readonly id: string;
  readonly caption: string;
  readonly truth: Combination;
  readonly seed: number;
}

const heldOut: readonly Combination[] = combinationsOf("held-out").map((number) => combinations[number]!);

/** Captions to draw and judge, in varied wordings: the combinations in turn. */
export function judgedPrompts(count: number): Prompt[] {
  return Array.from({ length: count }, (_, i) => {
    const truth = heldOut[i % heldOut.length]!;
    const caption = oneObjectCaption(truth, sceneRandom(captionSeed, i));
    return { id: String(i).padStart(5, "0"), caption, truth, seed: 1000 + i };
  });
}

/** From one shown sentence to the next, in places of the held-out list: their colours, shapes and grounds vary. */
const stride = 26;

/** A few, in the plainest wording, for people to look at. */
export function shownPrompts(count: number): Prompt[] {
  return Array.from({ length: count }, (_, i) => {
    const truth = heldOut[(1 + i * stride) % heldOut.length]!;
    return { id: `shown-${i}`, caption: plainCaption(truth), truth, seed: 100 + i };
  });
}

/** The wordings of judged captions have a stream of their own. */
const captionSeed = 77;
