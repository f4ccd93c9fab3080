/** @file Element types: our names, libtorch's `ScalarType` codes, and bytes per element. */
import { DreamError } from "../errors.js";

/** The element types that this package uses. */
export type DType =
  | "uint8"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "float16"
  | "float32"
  | "float64"
  | "bool"
  | "bfloat16";

const table: Readonly<Record<DType, { readonly code: number; readonly bytes: number }>> = {
  uint8: { code: 0, bytes: 1 },
  int8: { code: 1, bytes: 1 },
  int16: { code: 2, bytes: 2 },
  int32: { code: 3, bytes: 4 },
  int64: { code: 4, bytes: 8 },
  float16: { code: 5, bytes: 2 },
  float32: { code: 6, bytes: 4 },
  float64: { code: 7, bytes: 8 },
  bool: { code: 11, bytes: 1 },
  bfloat16: { code: 15, bytes: 2 },
};

const byCode = new Map(Object.entries(table).map(([name, { code }]) => [code, name as DType]));

/** libtorch's number for an element type. */
export function dtypeCode(dtype: DType): number {
  return table[dtype].code;
}

/** Bytes that one element takes. */
export function dtypeBytes(dtype: DType): number {
  return table[dtype].bytes;
}

/** @throws DreamError `type` for a libtorch type that this package has no name for (complex, quantised) */
export function dtypeOf(code: number): DType {
  const dtype = byCode.get(code);
  if (dtype === undefined)
    throw new DreamError("type", {
      operation: "read dtype",
      expected: [...byCode.values()].join(", "),
      got: `libtorch's ScalarType ${code}`,
    });
  return dtype;
}
