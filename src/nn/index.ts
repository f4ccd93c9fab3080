/** @file Layers. */
export {
  attend,
  CrossAttention,
  type Dropout,
  noDropout,
  placesOf,
  SelfAttention,
  type TextMemory,
} from "./attention.js";
export { Block, type BlockSize, CrossBlock, Mlp } from "./block.js";
export { Conv2d, type Conv2dSize } from "./conv.js";
export { dropPath } from "./drop-path.js";
export { dropout } from "./dropout.js";
export { Embedding, Linear, LinearMap } from "./linear.js";
export { type Mode, Module, type NamedTensor, parameter } from "./module.js";
export { BatchNorm, GroupNorm, LayerNorm, plainLayerNorm } from "./norm.js";
export { Recomputation, segment } from "./recomputation.js";
export { adoptState, checkFit, loadState, type StateSource, stateInMemory } from "./state.js";
export {
  bytesState,
  fileState,
  readTensor,
  type StoredTensor,
  sourcesOf,
  stateFile,
  writeState,
  writeStored,
} from "./state-file.js";
