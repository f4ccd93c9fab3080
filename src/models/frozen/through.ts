/** @file Layers one after another, for inference: an activation is let go of as soon as the next exists. */
import type { Tensor } from "../../tensor/index.js";

/** Anything that makes one tensor of another. */
export interface Layer {
  forward(x: Tensor): Tensor;
}

/** Runs layers one after another and frees what each was given; `x` itself stays the caller's. */
export function through(x: Tensor, layers: readonly Layer[]): Tensor {
  let hidden = x;
  for (const layer of layers) {
    const next = layer.forward(hidden);
    if (hidden !== x) hidden.dispose();
    hidden = next;
  }
  return hidden;
}
