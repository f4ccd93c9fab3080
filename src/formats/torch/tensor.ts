/** @file A tensor as a PyTorch file holds it: a window, with strides, on a storage. Bytes only. */
import { PickleLeaf } from "../pickle/value.js";
import { elementBytes, type SafetensorsDType } from "../safetensors.js";

/** A tensor that was read, or is to be written; its bytes are asked for when their turn comes. */
export class TorchTensor extends PickleLeaf {
  /** @param bytes the elements, row-major and little endian, read now */
  constructor(
    readonly dtype: SafetensorsDType,
    readonly shape: readonly number[],
    readonly bytes: () => Uint8Array,
  ) {
    super();
  }

  get description(): string {
    return `a tensor ${this.dtype} [${this.shape.join(", ")}]`;
  }

  /** How many bytes there are. */
  get byteLength(): number {
    return this.shape.reduce((product, size) => product * size, elementBytes[this.dtype]);
  }
}

/** A name of PyTorch's that is a value: `torch.float32`, `cuda:0`. */
export class TorchName extends PickleLeaf {
  constructor(readonly name: string) {
    super();
  }

  get description(): string {
    return this.name;
  }
}

/** Where a tensor's elements lie in its storage; all counted in elements. */
export interface Window {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** How many elements a window shows, and the span of the storage that it looks at. */
export function extentOf({ shape, strides }: Window): { count: number; span: number } {
  const count = shape.reduce((product, size) => product * size, 1);
  const span = count === 0 ? 0 : shape.reduce((last, size, axis) => last + (size - 1) * strides[axis]!, 1);
  return { count, span };
}

/** The elements of a window one after another. @param span the storage's bytes from the window's offset on */
export function gathered(span: Uint8Array, { shape, strides }: Window, bytesEach: number): Uint8Array {
  if (isContiguous(shape, strides)) return span;
  const count = shape.reduce((product, size) => product * size, 1);
  const elements = new Uint8Array(count * bytesEach);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < elements.length; to += bytesEach) {
    for (let i = 0; i < bytesEach; i++) elements[to + i] = span[from * bytesEach + i]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return elements;
}

/** Strides of elements that lie one after another. */
export function rowMajor(shape: readonly number[]): number[] {
  const strides: number[] = [];
  shape.reduceRight((stride, size, axis) => {
    strides[axis] = stride;
    return stride * Math.max(size, 1);
  }, 1);
  return strides;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  return rowMajor(shape).every((stride, axis) => shape[axis] === 1 || strides[axis] === stride);
}

/** The element types by PyTorch's names: of the type, and of the storage. */
export const torchTypes: readonly (readonly [
  dtype: SafetensorsDType,
  names: readonly string[],
  storage: string,
])[] = [
  ["F64", ["float64", "double"], "DoubleStorage"],
  ["F32", ["float32", "float"], "FloatStorage"],
  ["F16", ["float16", "half"], "HalfStorage"],
  ["BF16", ["bfloat16"], "BFloat16Storage"],
  ["I64", ["int64", "long"], "LongStorage"],
  ["I32", ["int32", "int"], "IntStorage"],
  ["I16", ["int16", "short"], "ShortStorage"],
  ["I8", ["int8"], "CharStorage"],
  ["U8", ["uint8"], "ByteStorage"],
  ["BOOL", ["bool"], "BoolStorage"],
];
