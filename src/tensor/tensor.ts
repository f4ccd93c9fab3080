/**
 * @file A tensor: a slot in the addon's table, and who lets go of it. Operators are added to the class by the generated
 * `operators.ts`; here are ownership (scopes, with finalisers as a net), the one call through which every operator
 * goes, and the way of numbers out.
 */
import { DreamError } from "../errors.js";
import { type DType, dtypeCode, dtypeOf } from "./dtype.js";
import { native } from "./native.js";

/** `cpu`, `cuda`, `cuda:1`, `mps`, or `meta` (shapes without memory). */
export type Device = string;

const oneSlot = new Int32Array(1);

function release(slot: number): void {
  oneSlot[0] = slot;
  native.dispose(oneSlot, 1);
}

/** Lets go of tensors that no scope owned and nobody disposed. A net, not a plan: V8 does not see their memory. */
const net = new FinalizationRegistry<number>(release);

/** The tensors made in the innermost scope so far, or null outside every scope. */
let owned: Tensor[] | null = null;

/** An n-dimensional array in libtorch's memory. */
export class Tensor {
  /** This tensor's place in the addon's table; 0 once disposed. */
  slot: number;
  private persistent = false;
  private watched = false;

  /** internal: wraps a slot that an operator returned, and hands it to the scope in force. */
  constructor(slot: number) {
    this.slot = slot;
    if (owned !== null) owned.push(this);
    else this.watch();
  }

  /** Sizes by dimension. */
  get shape(): number[] {
    return native.shape(this.slot);
  }

  /** The size of one dimension; negative counts from the end. */
  size(dimension: number): number {
    const shape = this.shape;
    const size = shape.at(dimension);
    if (size === undefined)
      throw new DreamError("shape", {
        operation: "size",
        expected: `a dimension of [${shape.join(", ")}]`,
        got: String(dimension),
      });
    return size;
  }

  /** How many elements. */
  get elementCount(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  get dtype(): DType {
    return dtypeOf(native.dtype(this.slot));
  }

  get device(): Device {
    return native.device(this.slot);
  }

  get isDisposed(): boolean {
    return this.slot === 0;
  }

  /** Takes this tensor out of every scope: it lives until it is disposed or collected. For state that outlives a step. */
  persist(): this {
    this.persistent = true;
    return this;
  }

  /**
   * Takes over another tensor's memory and leaves that one disposed: how a parameter laid out on `meta` comes to its values
   * without a second copy.
   */
  become(other: Tensor): this {
    const slot = other.slot;
    if (slot === 0 || other === this) throw new Error("internal: a tensor becomes a live other one");
    net.unregister(other);
    other.slot = 0;
    net.unregister(this);
    release(this.slot);
    this.slot = slot;
    if (this.watched) this.watch();
    return this;
  }

  /** internal: no scope owns this tensor; the garbage collector lets go of it where nobody else does. */
  watch(): void {
    net.register(this, this.slot, this);
    this.watched = true;
  }

  /** Frees the memory now. Harmless when repeated. */
  dispose(): void {
    if (this.slot === 0) return;
    net.unregister(this);
    release(this.slot);
    this.slot = 0;
  }

  /** {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The value of a tensor of one element. */
  item(): number {
    return guard("item", [this], () => native.item(this.slot));
  }

  /** The elements' bytes in row-major order, copied. */
  toBytes(): Uint8Array {
    return guard("toBytes", [this], () => new Uint8Array(native.toBytes(this.slot)));
  }

  /** The elements in row-major order. @throws DreamError `type` unless float32 */
  toFloat32Array(): Float32Array {
    this.#expect("float32", "toFloat32Array");
    return new Float32Array(native.toBytes(this.slot));
  }

  /** The elements in row-major order, whatever their type, as JavaScript numbers. */
  toNumbers(): number[] {
    const dtype = this.dtype;
    const buffer = (): ArrayBuffer => native.toBytes(this.slot);
    switch (dtype) {
      case "float32":
        return Array.from(new Float32Array(buffer()));
      case "float64":
        return Array.from(new Float64Array(buffer()));
      case "int64":
        return Array.from(new BigInt64Array(buffer()), Number);
      case "int32":
        return Array.from(new Int32Array(buffer()));
      case "int16":
        return Array.from(new Int16Array(buffer()));
      case "int8":
        return Array.from(new Int8Array(buffer()));
      case "uint8":
      case "bool":
        return Array.from(new Uint8Array(buffer()));
      case "float16":
      case "bfloat16":
        return scope(() => {
          const widened = new Tensor(native.call(toDtype, this.slot, dtypeCode("float32")) as number);
          return Array.from(new Float32Array(native.toBytes(widened.slot)));
        });
      default:
        throw new Error(`internal: no reader for ${dtype satisfies never}`);
    }
  }

  /** Type and sizes, for people. */
  toString(): string {
    return this.slot === 0 ? "Tensor(disposed)" : describe(this);
  }

  /** internal: what a scope does with what it does not hand on. Returns the slot to free, or 0 for a persistent one. */
  releaseFromScope(): number {
    const slot = this.slot;
    if (slot === 0) return 0;
    if (this.persistent) {
      this.watch();
      return 0;
    }
    this.slot = 0;
    return slot;
  }

  #expect(dtype: DType, operation: string): void {
    if (this.dtype !== dtype)
      throw new DreamError("type", { operation, expected: dtype, got: describe(this) });
  }
}

const toDtype = native.lookup("aten::_to_copy", "");

/**
 * Runs `body` and frees every tensor made in it, except those that its result holds (a tensor, or arrays and plain
 * objects of tensors), which pass to the scope around. Every loop that makes tensors belongs in one.
 */
export function scope<T>(body: () => T): T {
  const outer = owned;
  const mine: Tensor[] = [];
  owned = mine;
  let kept: Set<Tensor> | undefined;
  try {
    const result = body();
    kept = new Set();
    collect(result, kept);
    return result;
  } finally {
    owned = outer;
    const slots = new Int32Array(mine.length);
    let count = 0;
    for (const tensor of mine) {
      if (kept?.has(tensor)) adopt(tensor);
      else {
        const slot = tensor.releaseFromScope();
        if (slot !== 0) slots[count++] = slot;
      }
    }
    if (count > 0) native.dispose(slots, count);
  }
}

function adopt(tensor: Tensor): void {
  if (tensor.slot === 0) return;
  if (owned !== null) owned.push(tensor);
  else tensor.watch();
}

function collect(value: unknown, into: Set<Tensor>): void {
  if (value instanceof Tensor) into.add(value);
  else if (value instanceof Promise)
    throw new DreamError("usage", {
      operation: "scope",
      expected: "a synchronous function",
      got: "a promise",
      hint: "await outside, and keep one scope for each synchronous part",
    });
  else if (Array.isArray(value)) for (const element of value) collect(element, into);
  else if (value instanceof Map) for (const element of value.values()) collect(element, into);
  else if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    for (const element of Object.values(value)) collect(element, into);
}

/** How many tensors the addon holds now. For tests and leak hunts. */
export function liveTensorCount(): number {
  return native.liveTensors();
}

/** An operator of libtorch, found by name once. */
export interface Operator {
  readonly name: string;
  /** The addon's number for it, or -1 where this libtorch has no such operator. */
  readonly number: number;
}

/** Finds an operator, e.g. `findOperator("aten::add", "Tensor")`; whether it exists is told by {@link isAvailable}. */
export function findOperator(name: string, overload = ""): Operator {
  return { name: overload === "" ? name : `${name}.${overload}`, number: native.lookup(name, overload) };
}

/** Whether the libtorch in use has this operator. */
export function isAvailable(operator: Operator): boolean {
  return operator.number >= 0;
}

/** internal: calls an operator with slots and plain values; the result is a slot, a number, or an array of these. */
export function invoke(operator: Operator, ...values: readonly unknown[]): unknown {
  try {
    return native.call(operator.number, ...values);
  } catch (cause) {
    throw explain(operator, values, cause);
  }
}

/** internal: the result of {@link invoke} as one tensor. */
export function invokeTensor(operator: Operator, ...values: readonly unknown[]): Tensor {
  try {
    return new Tensor(native.call(operator.number, ...values) as number);
  } catch (cause) {
    throw explain(operator, values, cause);
  }
}

/** internal: the result of {@link invoke} as several tensors. */
export function invokeTensors(operator: Operator, ...values: readonly unknown[]): Tensor[] {
  return (invoke(operator, ...values) as number[]).map((slot) => new Tensor(slot));
}

/** internal: the slots of several tensors. */
export function slotsOf(tensors: readonly Tensor[]): number[] {
  return tensors.map((tensor) => tensor.slot);
}

function describe(tensor: Tensor): string {
  return `${tensor.dtype}[${tensor.shape.join(", ")}]${tensor.device === "cpu" ? "" : ` on ${tensor.device}`}`;
}

function describeSlot(value: unknown): string {
  try {
    const slot = value as number;
    return `${dtypeOf(native.dtype(slot))}[${native.shape(slot).join(", ")}]`;
  } catch {
    return "a disposed tensor";
  }
}

/** internal: runs a native call that is no operator, and explains what it throws. */
export function guard<T>(operation: string, operands: readonly Tensor[], body: () => T): T {
  try {
    return body();
  } catch (cause) {
    if (cause instanceof DreamError || !(cause instanceof Error)) throw cause;
    const shapes = operands.map((operand) => (operand.slot === 0 ? "a disposed tensor" : describe(operand)));
    const got = shapes.length > 0 ? `${shapes.join(", ")}: ${cause.message}` : cause.message;
    throw new DreamError("shape", { operation, got, cause });
  }
}

function explain(operator: Operator, values: readonly unknown[], cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  if (operator.number < 0)
    return new DreamError("engine", {
      operation: operator.name,
      message: `this libtorch (${native.version()}) has no such operator`,
      hint: "`dream doctor` tells which libtorch is in use; a newer one is found through LIBTORCH",
    });
  const operands = operandsOf(operator, values);
  const [reason = "", ...rest] = cause.message.split("\n");
  return new DreamError("shape", {
    operation: operator.name,
    message: `${reason}${rest.length > 0 && reason.length < 40 ? ` ${rest.join(" ")}` : ""}`,
    ...(operands.length > 0 ? { got: operands.join(", ") } : {}),
    hint: /disposed/.test(cause.message)
      ? "return a tensor from its scope, or call persist() on it, to use it afterwards"
      : "compare the operands with what the operator takes",
    cause,
  });
}

/** The tensors among an operator's values, described; its schema tells which values are tensors. */
function operandsOf(operator: Operator, values: readonly unknown[]): string[] {
  const [schema] = native.schemas(operator.name).filter((text) => text.startsWith(`${operator.name}(`));
  const parameters =
    schema
      ?.slice(schema.indexOf("(") + 1)
      .split(", ")
      .filter((text) => text !== "*") ?? [];
  return values.flatMap((value, i) => {
    const type = parameters[i] ?? "";
    if (!type.startsWith("Tensor") || value === null || value === undefined) return [];
    return Array.isArray(value) ? value.map(describeSlot) : [describeSlot(value)];
  });
}
