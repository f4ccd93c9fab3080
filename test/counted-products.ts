/**
 * @file The arithmetic that the engine is asked for: the products of its operators, counted from the shapes of what they are given.
 * A test imports this before anything that knows the engine, since operators are looked up when their modules load.
 */
import { native } from "../src/tensor/native.js";

const shapeOf = (slot: unknown): number[] => native.shape(slot as number);
const sizeOf = (slot: unknown): number => shapeOf(slot).reduce((product, size) => product * size, 1);

/** Operations of a call, by the operator's name. */
const products: Readonly<Record<string, (values: readonly unknown[]) => number>> = {
  "aten::linear": ([x, weight]) => 2 * sizeOf(x) * shapeOf(weight)[0]!,
  "aten::matmul": ([a, b]) => 2 * sizeOf(a) * shapeOf(b).at(-1)!,
  "dream::self_attention": ([qkv]) => (4 / 3) * sizeOf(qkv) * shapeOf(qkv)[1]!,
  "dream::attention": ([q, kv]) => 4 * sizeOf(q) * shapeOf(kv)[1]!,
  "aten::scaled_dot_product_attention": ([q, k]) => 4 * sizeOf(q) * shapeOf(k)[2]!,
  "dream::denoise": ([x, , condition, layers, features]) => {
    const [P, C] = shapeOf(x) as [number, number];
    const [rows, W] = shapeOf(condition) as [number, number];
    const depth = ((layers as unknown[]).length - 3) / 4;
    return 2 * P * C * W + 2 * rows * W * ((5 * depth + 2) * W + (features as number));
  },
};

const names = new Map<number, string>();
const { lookup, call } = native;
let sum = 0;

native.lookup = (name, overload) => {
  const operator = lookup(name, overload);
  names.set(operator, name);
  return operator;
};

native.call = (operator, ...values) => {
  sum += products[names.get(operator) ?? ""]?.(values) ?? 0;
  return call(operator, ...values);
};

/** Operations of the products that are asked for while `body` runs; a backward pass asks for none by itself. */
export function countedProducts(body: () => void): number {
  const before = sum;
  body();
  return sum - before;
}
