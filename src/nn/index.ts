/** @file Layers. */
export {
  CrossAttention,
  type Dropout,
  noDropout,
  placesOf,
  SelfAttention,
  type TextMemory,
} from "./attention.js";
export { Block, type BlockSize, CrossBlock, Mlp } from "./block.js";
export { Embedding, Linear } from "./linear.js";
export { type Mode, Module, type NamedTensor, parameter } from "./module.js";
export { BatchNorm, LayerNorm, plainLayerNorm } from "./norm.js";
export { loadState, type StateSource, stateInMemory } from "./state.js";
export { fileState, readTensor, stateFile, writeState } from "./state-file.js";
