/**
 * @file A state as it was at one moment, in the host's memory. The memory stays for the next time: a copy into pages that are there takes
 * 0.6 s for 5.3 GB on two slow cores, into pages that the system has yet to give 1.4 s or more (LOG.md).
 */
import type { NamedTensor } from "../nn/index.js";
import { call, noGrad, scope, type Tensor } from "../tensor/index.js";

export class Snapshot {
  readonly #live: readonly Tensor[];
  /** The copies, by the state's names. */
  readonly copies: readonly NamedTensor[];

  /** Takes the memory at once, as much as the state has. */
  constructor(state: readonly NamedTensor[]) {
    this.#live = state.map(([, tensor]) => tensor);
    this.copies = noGrad(() =>
      state.map(([name, tensor]): NamedTensor => [name, scope(() => copyOnHost(tensor)).persist()]),
    );
  }

  /** Copies the state as it is now. Training waits for this. */
  take(): void {
    noGrad(() =>
      scope(() => {
        for (const [i, tensor] of this.#live.entries()) this.copies[i]![1].copy_(tensor);
      }),
    );
  }

  dispose(): void {
    for (const [, tensor] of this.copies) tensor.dispose();
  }
}

/** From a GPU into pages that it can write to by itself, which is several times as fast. */
function copyOnHost(tensor: Tensor): Tensor {
  const detached = tensor.detach();
  if (!tensor.device.startsWith("cuda")) return detached.to({ device: "cpu" }).clone();
  return call("aten::pin_memory", detached.to({ device: "cpu" }), undefined) as Tensor;
}
