/** @file How fast the engine is: matrix products and the cost of a small operator. */
import { tensor } from "./create.js";
import type { DType } from "./dtype.js";
import { ones, randn } from "./operators.js";
import { Generator } from "./random.js";
import { synchronize } from "./runtime.js";
import { type Device, scope } from "./tensor.js";

export interface EngineSpeed {
  readonly float32Gflops: number;
  readonly bfloat16Gflops: number;
  /** One addition of 4 elements, the call from JavaScript included. */
  readonly operatorMicroseconds: number;
}

/** Takes a few seconds, the most of them where bfloat16 is not multiplied by the processor itself. */
export function measureEngine(device: Device): EngineSpeed {
  return {
    float32Gflops: matmulGflops(device, "float32"),
    bfloat16Gflops: matmulGflops(device, "bfloat16"),
    operatorMicroseconds: operatorMicroseconds(),
  };
}

/** A product that a device multiplies about as fast as it can, and how often at a time. */
const products = {
  cpu: { rows: 2048, inner: 256, columns: 1024, times: 10 },
  gpu: { rows: 8192, inner: 8192, columns: 8192, times: 4 },
} as const;

/** The best of several rounds of one product, in billions of operations a second. */
export function matmulGflops(device: Device, dtype: DType, rounds = 8): number {
  const { rows, inner, columns, times } = products[device === "cpu" ? "cpu" : "gpu"];
  return scope(() => {
    // Of its own, so that nobody else's random numbers are others after it.
    const generator = Generator.fromSeed(1);
    const a = randn([rows, inner], { generator }).to({ dtype, device });
    const b = randn([inner, columns], { generator }).to({ dtype, device });
    const seconds = best(rounds, () => {
      for (let i = 0; i < times; i++)
        scope(() => {
          a.matmul(b);
        });
      synchronize(device);
    });
    return (times * 2 * rows * inner * columns) / seconds / 1e9;
  });
}

/** How fast one row's product reads a matrix of so many bytes of float32, from wherever the machine keeps it. @returns bytes a second */
export function readRate(device: Device, bytes: number): number {
  const columns = 1024;
  const rows = Math.max(1, Math.round(bytes / 4 / columns));
  return scope(() => {
    const x = ones([1, rows], { device });
    const matrix = ones([rows, columns], { device });
    const seconds = best(8, () => {
      scope(() => x.matmul(matrix));
      synchronize(device);
    });
    return (4 * rows * columns) / seconds;
  });
}

/** The best of several rounds of 20,000 additions, in scopes of 100. */
export function operatorMicroseconds(): number {
  return scope(() => {
    const a = tensor([1, 2, 3, 4], [4]);
    const b = tensor([5, 6, 7, 8], [4]);
    const seconds = best(8, () => {
      for (let i = 0; i < 200; i++)
        scope(() => {
          for (let j = 0; j < 100; j++) a.add(b);
        });
    });
    return (seconds / 20_000) * 1e6;
  });
}

/** Rounds that take longer than this together are as many as are needed: what is slow varies little. */
const patienceMs = 2000;

function best(rounds: number, body: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  const begun = performance.now();
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    body();
    least = Math.min(least, (performance.now() - started) / 1000);
    if (performance.now() - begun > patienceMs) break;
  }
  return least;
}
