/** @file A tower without gradients: states go through its blocks, and only the last are kept. */
import type { Tensor } from "../../tensor/index.js";

/** @param x the first block's input, which is disposed as every later one */
export function throughBlocks<Block>(
  blocks: readonly Block[],
  x: Tensor,
  step: (block: Block, x: Tensor) => Tensor,
): Tensor {
  return blocks.reduce((states, block) => {
    const next = step(block, states);
    states.dispose();
    return next;
  }, x);
}
