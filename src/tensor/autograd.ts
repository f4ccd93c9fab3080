/** @file Gradients and automatic casts. Modes hold for the thread and end with the function that they were set for. */
import { type DType, dtypeCode } from "./dtype.js";
import { native } from "./native.js";
import { type Device, guard, slotsOf, Tensor } from "./tensor.js";

/** Runs `body` without recording what gradients would need. */
export function noGrad<T>(body: () => T): T {
  const before = native.setGradMode(false);
  try {
    return body();
  } finally {
    native.setGradMode(before);
  }
}

/** Makes a tensor one that gradients are accumulated for. */
export function requireGrad(tensor: Tensor): Tensor {
  native.setRequiresGrad(tensor.slot, true);
  return tensor;
}

/** Whether gradients flow to this tensor. */
export function requiresGrad(tensor: Tensor): boolean {
  return native.requiresGrad(tensor.slot);
}

/** The gradient that {@link backward} accumulated on this tensor, or null. */
export function gradientOf(tensor: Tensor): Tensor | null {
  const slot = native.gradient(tensor.slot);
  return slot === 0 ? null : new Tensor(slot);
}

/** Sets or, with null, clears the accumulated gradient. */
export function setGradient(tensor: Tensor, gradient: Tensor | null): void {
  native.setGradient(tensor.slot, gradient?.slot ?? 0);
}

/**
 * Adds to every reached tensor's gradient.
 * @param loss a scalar, or several outputs @param options.outputGradients one for each output; ones, for scalars, where left out
 */
export function backward(
  loss: Tensor | readonly Tensor[],
  options: { readonly outputGradients?: readonly Tensor[]; readonly keepGraph?: boolean } = {},
): void {
  const outputs = loss instanceof Tensor ? [loss] : loss;
  const { outputGradients = [], keepGraph = false } = options;
  guard("backward", [], () => native.backward(slotsOf(outputs), slotsOf(outputGradients), keepGraph));
}

/**
 * Gradients of several outputs by several inputs, without accumulating.
 * @param options.outputGradients one for each output; ones, for scalars, where left out
 * @returns one for each input, null for an input that the outputs do not depend on
 */
export function gradients(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  options: { outputGradients?: readonly Tensor[]; keepGraph?: boolean; createGraph?: boolean } = {},
): (Tensor | null)[] {
  const { outputGradients = [], createGraph = false, keepGraph = createGraph } = options;
  return native
    .gradients(slotsOf(outputs), slotsOf(inputs), slotsOf(outputGradients), keepGraph, createGraph)
    .map((slot) => (slot === 0 ? null : new Tensor(slot)));
}

let autocastDepth = 0;

/** Runs `body` with libtorch's automatic casts: matrix products in `dtype`, sensitive operators in float32. */
export function autocast<T>(device: Device, dtype: DType, body: () => T): T {
  native.enterAutocast(device, dtypeCode(dtype));
  autocastDepth++;
  try {
    return body();
  } finally {
    autocastDepth--;
    native.leaveAutocast(device, dtypeCode(dtype), autocastDepth > 0);
  }
}
