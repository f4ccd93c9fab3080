/** @file Loading state strictly: every name and shape must fit, and one error tells of everything that does not. */
import { DreamError } from "../errors.js";
import { type Device, type DType, noGrad, scope, type Tensor } from "../tensor/index.js";
import type { NamedTensor } from "./module.js";

/** Where state comes from: shapes first, so that everything is checked before anything is copied. */
export interface StateSource {
  /** What it is called in errors: a file's path. */
  readonly name: string;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** A tensor by name; the caller disposes it. */
  read(name: string): Tensor;
}

/** How many keys of one kind an error lists. */
const listed = 8;

/**
 * Copies a source's tensors into a module's, by name.
 * @param target a model's whole state
 * @throws DreamError `state` naming every missing, unexpected and misshapen key; nothing is changed then
 */
export function loadState(target: readonly NamedTensor[], source: StateSource): void {
  checkFit(target, source);
  noGrad(() => {
    for (const [name, tensor] of target) scope(() => void tensor.copy_(source.read(name)));
  });
}

/**
 * Gives a source's tensors to a module laid out on `meta`, so that each is in memory once; no gradients flow to them.
 * @param dtype of floating-point weights; null keeps each as it is stored
 * @throws DreamError `state` as {@link loadState}
 */
export function adoptState(
  target: readonly NamedTensor[],
  source: StateSource,
  { dtype, device }: { readonly dtype: DType | null; readonly device: Device },
): void {
  checkFit(target, source);
  for (const [name, tensor] of target)
    scope(() => {
      const value = source.read(name);
      const wanted = dtype !== null && floating.has(value.dtype) ? dtype : value.dtype;
      const fits = value.dtype === wanted && value.device === device;
      tensor.become(fits ? value : value.to({ dtype: wanted, device }));
    });
}

const floating: ReadonlySet<DType> = new Set(["float16", "bfloat16", "float32", "float64"]);

/** @throws DreamError `state` naming every missing, unexpected and misshapen key */
export function checkFit(target: readonly NamedTensor[], source: Pick<StateSource, "name" | "shapes">): void {
  const wanted = new Map(target);
  const missing = [...wanted.keys()].filter((name) => !source.shapes.has(name));
  const unexpected = [...source.shapes.keys()].filter((name) => !wanted.has(name));
  const misshapen = [...wanted].flatMap(([name, tensor]) => {
    const found = source.shapes.get(name);
    const expected = tensor.shape;
    return found === undefined || String(found) === String(expected)
      ? []
      : [`${name} [${expected.join(", ")}] but found [${found.join(", ")}]`];
  });
  if (missing.length + unexpected.length + misshapen.length > 0)
    throw new DreamError("state", {
      operation: `load ${source.name}`,
      message: [part("missing", missing), part("unexpected", unexpected), part("expected", misshapen)]
        .filter((text) => text !== "")
        .join("; "),
      hint: "the file belongs to a model of another configuration; build the model from the config beside it",
    });
}

function part(what: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const rest = names.length > listed ? ` and ${names.length - listed} more` : "";
  return `${names.length} ${what}: ${names.slice(0, listed).join(", ")}${rest}`;
}

/** A state of tensors in memory as a source; reading gives copies. */
export function stateInMemory(name: string, state: readonly NamedTensor[]): StateSource {
  const tensors = new Map(state);
  return {
    name,
    shapes: new Map(state.map(([key, tensor]) => [key, tensor.shape])),
    read: (key) => tensors.get(key)!.detach().clone(),
  };
}
