/**
 * @file The addon: the only file that knows how it is found, loaded and called. Everything that crosses here is a number,
 * a string, a typed array or an array of these; a tensor is a small integer, its slot in a table inside the addon.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DreamError } from "../errors.js";

/** The functions of `native/`, described beside their definitions there. */
export interface Native {
  lookup(name: string, overload: string): number;
  call(operator: number, ...values: readonly unknown[]): unknown;
  schemas(prefix: string): string[];

  fromBytes(bytes: Uint8Array, shape: readonly number[], dtype: number, device: string): number;
  toBytes(slot: number): ArrayBuffer;
  item(slot: number): number;
  shape(slot: number): number[];
  dtype(slot: number): number;
  device(slot: number): string;
  isContiguous(slot: number): boolean;
  dispose(slots: Int32Array, count: number): void;
  liveTensors(): number;
  share(slot: number): number;
  take(ticket: number): ArrayBuffer;

  setRequiresGrad(slot: number, required: boolean): void;
  requiresGrad(slot: number): boolean;
  gradient(slot: number): number;
  setGradient(slot: number, gradient: number): void;
  backward(outputs: readonly number[], gradients: readonly number[], keepGraph: boolean): void;
  gradients(
    outputs: readonly number[],
    inputs: readonly number[],
    outputGradients: readonly number[],
    keepGraph: boolean,
    createGraph: boolean,
  ): number[];
  setGradMode(enabled: boolean): boolean;
  enterAutocast(device: string, dtype: number): void;
  leaveAutocast(device: string, dtype: number, stillInside: boolean): void;

  version(): string;
  configuration(): string;
  parallelism(): string;
  threads(): number;
  setThreads(count: number): void;
  cudaDevices(): number;
  synchronize(device: string): void;
  manualSeed(seed: number): void;
  generator(seed: number): number;
  defaultGenerator(device: string): number;
  disposeGenerator(slot: number): void;
  generatorState(slot: number): number;
  setGeneratorState(slot: number, state: number): void;

  joinTeam(
    rank: number,
    size: number,
    backend: string,
    device: string,
    meeting: string,
    place: string,
    port: number,
    prefix: string,
    network: string,
    listen: string,
    joinTimeoutMs: number,
    timeoutMs: number,
  ): number;
  leaveTeam(team: number): void;
  allReduce(team: number, slot: number, how: string): void;
  broadcast(team: number, slots: readonly number[], from: number): void;
  gather(team: number, slot: number): number;
  makeBuckets(team: number, parameters: readonly number[], bytes: number): number;
  armBuckets(buckets: number, unreached: readonly number[]): void;
  finishBuckets(buckets: number): number[];
  disposeBuckets(buckets: number): void;

  decodeJpeg(
    bytes: Uint8Array,
    maximumPixels: number,
  ): readonly [width: number, height: number, rgb: ArrayBuffer] | null;
  resample(
    rgb: Uint8Array,
    width: number,
    acrossBounds: Int32Array,
    acrossWeights: Int32Array,
    firstRow: number,
    rows: number,
    downBounds: Int32Array,
    downWeights: Int32Array,
  ): ArrayBuffer;
}

/** The folder that holds package.json: above `src/` in tests, above `dist/` in use. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("internal: no package.json above the tensor folder");
    folder = parent;
  }
  return folder;
}

function load(): Native {
  const path = join(packageRoot(), "build", "dream.node");
  const hint =
    "run `npm run setup` in a clone, or `npx dream setup` where the package is installed: it finds or brings libtorch and compiles the addon";
  if (!existsSync(path))
    throw new DreamError("engine", { operation: "load engine", expected: path, got: "no such file", hint });
  try {
    return createRequire(import.meta.url)(path) as Native;
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("engine", {
      operation: "load engine",
      expected: "a working addon",
      got,
      hint,
      cause,
    });
  }
}

export const native: Native = load();
