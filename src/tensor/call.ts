/** @file The untyped call: every operator of libtorch by name, for those that the typed list leaves out. */
import { DreamError, unknownName } from "../errors.js";
import { type DType, dtypeCode } from "./dtype.js";
import { native } from "./native.js";
import { Generator } from "./random.js";
import { findOperator, invoke, isAvailable, type Operator, Tensor } from "./tensor.js";

/** What an operator takes: tensors, numbers, and the rest as its schema says; undefined takes the schema's default. */
export type OperatorValue =
  | Tensor
  | Generator
  | number
  | boolean
  | string
  | null
  | undefined
  | readonly (Tensor | number | boolean | null)[];

/** What an operator gives. */
export type OperatorResult = Tensor | number | boolean | string | undefined | OperatorResult[];

interface Signature {
  readonly operator: Operator;
  readonly parameterTypes: readonly string[];
  readonly resultTypes: readonly string[];
}

const signatures = new Map<string, Signature>();

/**
 * Calls any operator with values in its schema's order, e.g. `call("aten::clamp", x, 0, 1)`.
 * @throws DreamError `unknown-name` with the nearest names; `type` where a plain number stands for a tensor
 */
export function call(name: string, ...values: readonly OperatorValue[]): OperatorResult {
  const { operator, parameterTypes, resultTypes } = signatureOf(name);
  const plain = values.map((value, i) => toPlain(name, parameterTypes[i] ?? "", value));
  const result = invoke(operator, ...plain);
  if (resultTypes.length > 1)
    return (result as unknown[]).map((one, i) => fromPlain(resultTypes[i] ?? "", one));
  return fromPlain(resultTypes[0] ?? "", result);
}

function signatureOf(name: string): Signature {
  const known = signatures.get(name);
  if (known !== undefined) return known;
  const [base = "", overload = ""] = name.split(".");
  const operator = findOperator(base, overload);
  if (!isAvailable(operator)) {
    const names = native.schemas("aten::").map((schema) => schema.slice(0, schema.indexOf("(")));
    throw unknownName("call", "operator", name, names);
  }
  const schema = native.schemas(base).find((text) => text.startsWith(`${name}(`)) ?? "";
  const arrow = schema.lastIndexOf(") -> ");
  const types = (list: string): string[] =>
    list
      .split(/, (?![^(]*\))/)
      .filter((part) => part !== "*" && part !== "")
      .map((part) => part.replace(/\([a-z]\w*!?( -> \w+)?\)/, "").split(" ")[0] ?? "");
  const signature = {
    operator,
    parameterTypes: types(schema.slice(schema.indexOf("(") + 1, arrow)),
    resultTypes: types(schema.slice(arrow + 5).replace(/^\(([^!]*)\)$/, "$1")),
  };
  signatures.set(name, signature);
  return signature;
}

function toPlain(name: string, type: string, value: OperatorValue): unknown {
  if (value instanceof Tensor || value instanceof Generator) return value.slot;
  if (Array.isArray(value)) return value.map((one) => toPlain(name, type.replace(/\[\d*\]\??$/, ""), one));
  if (type.startsWith("Tensor") && (typeof value === "number" || typeof value === "boolean"))
    throw new DreamError("type", { operation: name, expected: "a Tensor", got: String(value) });
  if (type.startsWith("ScalarType") && typeof value === "string") return dtypeCode(value as DType);
  return value;
}

function fromPlain(type: string, value: unknown): OperatorResult {
  if (type === "Tensor") return new Tensor(value as number);
  if (type === "Tensor[]") return (value as number[]).map((slot) => new Tensor(slot));
  return value as OperatorResult;
}
