/** @file A caption reader for the tiny model: a caption's letters, folded into as many ids as it reads. */
import type { CaptionReader } from "../src/features/caption-reader.js";
import { tensor } from "../src/tensor/index.js";
import { tinyConfig } from "./tiny.js";

const { contextLength, vocabulary } = tinyConfig.textTower;

function idsOf(caption: string): number[] {
  const ids = Array<number>(contextLength).fill(1);
  for (let i = 0; i < caption.length; i++) {
    const at = i % contextLength;
    ids[at] = 1 + ((7 * ids[at]! + caption.charCodeAt(i)) % (vocabulary - 1));
  }
  return ids;
}

const read = (captions: readonly string[]) =>
  tensor(captions.flatMap(idsOf), [captions.length, contextLength], { dtype: "int64" });

export const letterCaptions: CaptionReader = {
  vocabularySize: vocabulary,
  description: "letters",
  identity: "letters",
  ids: read,
  told: read,
  length: (caption) => ({ found: caption.length, most: contextLength, unit: "tokens" }),
  unknownWords: () => [],
  dispose: () => {},
};
