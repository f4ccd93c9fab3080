/** @file The engine's bench: the cost of a small operator, and matrix products, against Python's PyTorch. */
import { type DType, noGrad, randn, scope, type Tensor, tensor } from "../src/tensor/index.js";
import type { BenchCase } from "./rows.js";

/** Operands live as long as the bench. */
const operands = new Map<DType, readonly [Tensor, Tensor]>();

function productSeconds(dtype: DType): number {
  let pair = operands.get(dtype);
  if (pair === undefined) {
    pair = [randn([2048, 256]).to({ dtype }), randn([256, 1024]).to({ dtype })];
    operands.set(dtype, pair);
  }
  const [a, b] = pair;
  const started = performance.now();
  for (let i = 0; i < 20; i++)
    scope(() => {
      a.matmul(b);
    });
  return (performance.now() - started) / 1000 / 20;
}

function operatorSeconds(): number {
  return scope(() => {
    const a = tensor([1, 2, 3, 4], [4]);
    const b = tensor([5, 6, 7, 8], [4]);
    const started = performance.now();
    for (let i = 0; i < 200; i++)
      scope(() => {
        for (let j = 0; j < 100; j++) a.add(b);
      });
    return (performance.now() - started) / 1000 / 20_000;
  });
}

const gigaflops = (seconds: number): number => (2 * 2048 * 256 * 1024) / seconds / 1e9;

export const engineCases: readonly BenchCase[] = [
  {
    name: "operator-overhead",
    unit: "microseconds",
    scale: (seconds) => seconds * 1e6,
    ours: () => noGrad(operatorSeconds),
  },
  {
    name: "matmul-f32",
    unit: "GFLOP/s",
    scale: gigaflops,
    ours: () => noGrad(() => productSeconds("float32")),
  },
  {
    name: "matmul-bf16",
    unit: "GFLOP/s",
    scale: gigaflops,
    ours: () => noGrad(() => productSeconds("bfloat16")),
  },
];
