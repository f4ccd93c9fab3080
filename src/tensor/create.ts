/** @file Tensors from JavaScript's numbers and from bytes. */
import { DreamError } from "../errors.js";
import { type DType, dtypeBytes, dtypeCode } from "./dtype.js";
import { native } from "./native.js";
import { type Device, guard, Tensor } from "./tensor.js";

/**
 * Makes a tensor of numbers.
 * @param data numbers in row-major order; `bigint`s where the dtype is int64
 * @throws DreamError `shape` where the count does not fit
 */
export function tensor(
  data: ArrayLike<number> | ArrayLike<bigint>,
  shape: readonly number[],
  { dtype = "float32", device = "cpu" }: { dtype?: DType; device?: Device } = {},
): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  if (data.length !== count)
    throw new DreamError("shape", {
      operation: "tensor",
      expected: `${count} numbers for shape [${shape.join(", ")}]`,
      got: String(data.length),
    });
  return tensorFromBytes(encode(data, dtype), shape, dtype, device);
}

/** Makes a tensor from its elements' bytes (row-major, little endian), copied. */
export function tensorFromBytes(
  bytes: Uint8Array,
  shape: readonly number[],
  dtype: DType,
  device: Device = "cpu",
): Tensor {
  return guard("tensorFromBytes", [], () => {
    const aligned = bytes.length === 0 ? new Uint8Array(0) : bytes;
    return new Tensor(native.fromBytes(aligned, shape, dtypeCode(dtype), device));
  });
}

function encode(data: ArrayLike<number> | ArrayLike<bigint>, dtype: DType): Uint8Array {
  const numbers = data as ArrayLike<number>;
  const view = (): ArrayBufferView => {
    switch (dtype) {
      case "float32":
        return data instanceof Float32Array ? data : Float32Array.from(numbers, Number);
      case "float64":
        return data instanceof Float64Array ? data : Float64Array.from(numbers, Number);
      case "int64":
        return data instanceof BigInt64Array ? data : int64(data);
      case "int32":
        return data instanceof Int32Array ? data : Int32Array.from(numbers, Number);
      case "int16":
        return data instanceof Int16Array ? data : Int16Array.from(numbers, Number);
      case "int8":
        return data instanceof Int8Array ? data : Int8Array.from(numbers, Number);
      case "uint8":
        return data instanceof Uint8Array ? data : Uint8Array.from(numbers, Number);
      case "bool":
        return Uint8Array.from(numbers, (n) => (n ? 1 : 0));
      case "float16":
      case "bfloat16":
        throw new DreamError("type", {
          operation: "tensor",
          expected: "a type that JavaScript has numbers for",
          got: dtype,
          hint: `make it float32 and convert it: tensor(...).to({ dtype: "${dtype}" })`,
        });
      default:
        throw new Error(`internal: no writer for ${dtype satisfies never}`);
    }
  };
  const { buffer, byteOffset, byteLength } = view();
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Whole numbers as int64; of plain ones the two halves are written, which takes a tenth of the time of making each a bigint. */
function int64(data: ArrayLike<number> | ArrayLike<bigint>): BigInt64Array {
  const made = new BigInt64Array(data.length);
  if (typeof data[0] === "bigint") return BigInt64Array.from(data as ArrayLike<bigint>);
  const halves = new Int32Array(made.buffer);
  for (let i = 0; i < data.length; i++) {
    const value = (data as ArrayLike<number>)[i]!;
    const low = value | 0;
    halves[2 * i] = low;
    halves[2 * i + 1] = low >> 31;
    if (value === low) continue;
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number that int64 takes`);
    halves[2 * i + 1] = Math.floor(value / 2 ** 32);
  }
  return made;
}

/** Memory that the elements take, in bytes. */
export function byteLength(tensor: Tensor): number {
  return tensor.elementCount * dtypeBytes(tensor.dtype);
}
