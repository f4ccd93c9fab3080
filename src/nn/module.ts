/**
 * @file A module is an object whose tensors are its state. Parameters are the tensors that gradients flow to; the other
 * tensors are buffers. Names are property paths (`encoder.blocks.0.norm1.weight`), found by walking the properties.
 */
import { type Device, requireGrad, requiresGrad, Tensor, zeros } from "../tensor/index.js";

/** Whether dropout drops and BatchNorm learns (`train`), or both rest (`eval`). */
export type Mode = "train" | "eval";

/** A named piece of state. */
export type NamedTensor = readonly [name: string, tensor: Tensor];

export abstract class Module {
  /** Set for the whole tree by {@link setMode}. */
  mode: Mode = "train";

  /** Every tensor below this module, by property path, in order of declaration. */
  *namedTensors(prefix = ""): Generator<NamedTensor> {
    for (const [key, value] of Object.entries(this)) yield* walk(`${prefix}${key}`, value);
  }

  /** The tensors that training changes. */
  parameters(): NamedTensor[] {
    return [...this.namedTensors()].filter(([, tensor]) => requiresGrad(tensor));
  }

  /** The tensors that are state but not trained (BatchNorm's statistics). */
  buffers(): NamedTensor[] {
    return [...this.namedTensors()].filter(([, tensor]) => !requiresGrad(tensor));
  }

  /** Switches this module and every module below it. */
  setMode(mode: Mode): this {
    for (const module of this.modules()) module.mode = mode;
    return this;
  }

  /** This module and every module below it. */
  *modules(): Generator<Module> {
    yield this;
    for (const value of Object.values(this)) yield* modulesIn(value);
  }

  /** Frees all state, and what was computed once. */
  dispose(): void {
    for (const [, tensor] of this.namedTensors()) tensor.dispose();
    for (const module of this.modules()) for (const tensor of module.constants()) tensor.dispose();
  }

  /** Tensors that it computed once, and that are no state. */
  protected constants(): readonly Tensor[] {
    return [];
  }
}

function* walk(name: string, value: unknown): Generator<NamedTensor> {
  if (value instanceof Tensor) yield [name, value];
  else if (value instanceof Module) yield* value.namedTensors(`${name}.`);
  else if (Array.isArray(value)) for (const [i, one] of value.entries()) yield* walk(`${name}.${i}`, one);
}

function* modulesIn(value: unknown): Generator<Module> {
  if (value instanceof Module) yield* value.modules();
  else if (Array.isArray(value)) for (const one of value) yield* modulesIn(one);
}

/** State that is trained, zero until initialised or loaded. On device `meta` it has a shape and no memory. */
export function parameter(shape: readonly number[], device: Device): Tensor {
  return requireGrad(zeros(shape, { device }).persist());
}
