/** @file Tensors of a checkpoint under other names: everything that does not fit is gathered and told at once. */
import { DreamError } from "../errors.js";
import type { TorchTensor } from "../formats/torch/tensor.js";

/** Tensors by the release's names. */
export type StateDict = ReadonlyMap<string, TorchTensor>;

/** A tensor that a checkpoint must have. */
export interface Wanted {
  /** Our property path. */
  readonly own: string;
  /** The name in the file. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** Takes tensors by name, and gathers what does not fit. */
export class Fit {
  readonly #wrong: string[] = [];

  constructor(readonly path: string) {}

  /** @param tolerated what may be there as well */
  take(
    prefix: string,
    part: string,
    wanted: readonly Wanted[],
    found: StateDict,
    tolerated: readonly Wanted[] = [],
  ): [string, TorchTensor][] {
    const known = new Set([...wanted, ...tolerated].map(({ name }) => name));
    const missing = wanted.filter(({ name }) => !found.has(name)).map(({ name }) => name);
    const unexpected = [...found.keys()].filter((name) => !known.has(name));
    const misshapen = wanted.flatMap(({ name, shape }) => {
      const got = found.get(name)?.shape;
      return got === undefined || String(got) === String(shape)
        ? []
        : [`${name} [${shape.join(", ")}] but found [${got.join(", ")}]`];
    });
    this.#note(part, "missing", missing);
    this.#note(part, "unexpected", unexpected);
    this.#note(part, "expected", misshapen);
    return wanted.flatMap(({ own, name }) => {
      const tensor = found.get(name);
      return tensor === undefined ? [] : [[`${prefix}.${own}`, tensor] as [string, TorchTensor]];
    });
  }

  /** Ends. @throws DreamError `state` where anything did not fit */
  finish(): void {
    if (this.#wrong.length === 0) return;
    throw new DreamError("state", {
      operation: `read ${this.path}`,
      message: this.#wrong.join("; "),
      hint: "the file belongs to a model of another configuration, or is a model alone and no state to go on from",
    });
  }

  #note(part: string, what: string, names: readonly string[]): void {
    if (names.length === 0) return;
    const rest = names.length > 8 ? ` and ${names.length - 8} more` : "";
    this.#wrong.push(`${part}: ${names.length} ${what}: ${names.slice(0, 8).join(", ")}${rest}`);
  }
}
