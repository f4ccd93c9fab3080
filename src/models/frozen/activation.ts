/** @file Activations, under the names that configurations of transformers give them. */
import { gelu, type Tensor } from "../../tensor/index.js";

const activations = {
  relu: (x: Tensor) => x.relu(),
  silu: (x: Tensor) => x.silu(),
  gelu: (x: Tensor) => gelu(x),
  gelu_new: (x: Tensor) => gelu(x, { approximate: "tanh" }),
  quick_gelu: (x: Tensor) => x.mul(1.702).sigmoid().mul(x),
} as const satisfies Record<string, (x: Tensor) => Tensor>;

export type ActivationName = keyof typeof activations;

export function activate(name: ActivationName, x: Tensor): Tensor {
  return activations[name](x);
}
