/**
 * @file Randomness, always explicit: a generator with its own state, on the CPU, so that the same seed draws the same
 * numbers whatever device they are used on.
 */
import { createHash } from "node:crypto";
import { native } from "./native.js";
import { Tensor } from "./tensor.js";

const net = new FinalizationRegistry<number>((slot) => native.disposeGenerator(slot));

/** A stream of random numbers (libtorch's Mersenne twister). Its state can be saved and set. */
export class Generator {
  /** internal: the generator's place in the addon's table; 0 once disposed. */
  slot: number;

  private constructor(slot: number) {
    this.slot = slot;
    net.register(this, slot, this);
  }

  /** * A stream of random numbers that a seed decides. @param seed a whole number from 0 to 2^53 - 1 */
  static fromSeed(seed: number): Generator {
    return new Generator(native.generator(seed));
  }

  /** A stream of its own for whatever the parts name: the same parts, the same numbers. */
  static fromKey(...parts: readonly (string | number)[]): Generator {
    return new Generator(native.generator(seedOf(parts)));
  }

  /** The generator that operators without an explicit one (dropout) draw from. */
  static ofDevice(device: string): Generator {
    return new Generator(native.defaultGenerator(device));
  }

  /** Frees its state now, of which V8 sees nothing: for streams that are made by the thousand. Harmless when repeated. */
  dispose(): void {
    net.unregister(this);
    native.disposeGenerator(this.slot);
    this.slot = 0;
  }

  /** Everything that decides the next draws, as uint8. */
  get state(): Tensor {
    return new Tensor(native.generatorState(this.slot));
  }

  set state(state: Tensor) {
    native.setGeneratorState(this.slot, state.slot);
  }
}

/** Seeds the default generator of every device, the one that dropout draws from, by what the parts name. */
export function seedDefaultGenerators(...parts: readonly (string | number)[]): void {
  native.manualSeed(seedOf(parts));
}

/** 48 bits of a hash. */
function seedOf(parts: readonly (string | number)[]): number {
  return createHash("sha256").update(parts.join(" ")).digest().readUIntBE(0, 6);
}
