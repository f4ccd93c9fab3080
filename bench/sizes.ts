/** @file Models and captions of the benches that compare with plain PyTorch. */
import { type DreamConfig, paperConfig } from "../src/models/dream/config.js";
import { randint, scope, type Tensor, zeros } from "../src/tensor/index.js";

/** DESIGN section 6's. */
const nano: DreamConfig = {
  ...paperConfig("base"),
  latent: { side: 16, channels: 4, patch: 2 },
  encoder: { width: 192, depth: 4, heads: 6, mlpWidth: 768 },
  decoder: { width: 192, depth: 4, heads: 6, mlpWidth: 768 },
  bufferTokens: 16,
  head: { depth: 3, width: 256 },
  captions: { kind: "states", length: 32, width: 1024 },
  alignerDepth: 2,
};

/** Small, and with nothing left to chance: both sides compute the same losses. */
const check: DreamConfig = {
  ...nano,
  encoder: { width: 32, depth: 2, heads: 4, mlpWidth: 64 },
  decoder: { width: 48, depth: 2, heads: 4, mlpWidth: 96 },
  textTower: { width: 32, depth: 2, heads: 4, contextLength: 77, vocabulary: 99 },
  head: { depth: 2, width: 40 },
  dropout: { attention: 0, projection: 0 },
};

export const sizes = {
  base: paperConfig("base"),
  large: paperConfig("large"),
  huge: paperConfig("huge"),
  nano,
  check,
} as const;

export type Size = keyof typeof sizes;

/** Tokens between a start and an end token, zeros behind. @returns int64 [B, context] */
export function captionsOf(lengths: readonly number[], { textTower }: DreamConfig): Tensor {
  const { contextLength, vocabulary } = textTower;
  return scope(() => {
    const ids = zeros([lengths.length, contextLength], { dtype: "int64" });
    for (const [row, length] of lengths.entries()) {
      const caption = ids.select(0, row);
      caption.narrow(0, 0, length).copy_(randint(1, vocabulary - 2, [length], { dtype: "int64" }));
      caption.narrow(0, 0, 1).fill_(vocabulary - 2);
      caption.narrow(0, length - 1, 1).fill_(vocabulary - 1);
    }
    return ids;
  });
}
