/** @file The tensor floor's door: everything above imports from here, so that the operators are always on the class. */
export * from "./autograd.js";
export { call, type OperatorResult, type OperatorValue } from "./call.js";
export { byteLength, tensor, tensorFromBytes } from "./create.js";
export { type DType, dtypeBytes } from "./dtype.js";
export { packageRoot } from "./native.js";
export * from "./normal.js";
export * from "./operators.js";
export { GradientBuckets, ProcessGroup, type Rendezvous } from "./process-group.js";
export { Generator, seedDefaultGenerators } from "./random.js";
export * from "./runtime.js";
export {
  type Device,
  findOperator,
  isAvailable,
  liveTensorCount,
  scope,
  Tensor,
} from "./tensor.js";
export { shareBytes, type Ticket, takeBytes, threadFile } from "./threads.js";
