/** @file A model's state in a safetensors file. */
import {
  openSafetensors,
  type SafetensorsDType,
  type SafetensorsEntry,
  type SafetensorsFile,
  type SafetensorsSource,
  writeSafetensors,
} from "../formats/safetensors.js";
import { type Device, type DType, type Tensor, tensorFromBytes } from "../tensor/index.js";
import type { NamedTensor } from "./module.js";
import type { StateSource } from "./state.js";

const dtypes: Readonly<Record<SafetensorsDType, DType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};

const names = Object.fromEntries(Object.entries(dtypes).map(([name, dtype]) => [dtype, name])) as Record<
  DType,
  SafetensorsDType
>;

/** One tensor of an open file. @throws Error where the file has none of that name */
export function readTensor(file: SafetensorsFile, name: string, device: Device = "cpu"): Tensor {
  const entry = file.tensors.get(name);
  if (entry === undefined) throw new Error(`internal: ${file.path} has no tensor ${name}`);
  return tensorOf(entry, device);
}

/** A tensor of a file, of whatever format. */
export type StoredTensor = Pick<SafetensorsEntry, "dtype" | "shape" | "bytes">;

function tensorOf({ dtype, shape, bytes }: StoredTensor, device: Device = "cpu"): Tensor {
  return tensorFromBytes(bytes(), shape, dtypes[dtype], device);
}

/** A file as a source of state, checked when opened and read tensor by tensor. */
export function stateFile(path: string): StateSource {
  return fileState(openSafetensors(path));
}

/** An open file as a source of state. */
export function fileState(file: SafetensorsFile): StateSource {
  return bytesState(file.path, file.tensors);
}

/** Tensors that are bytes by name, of whatever file, as a source of state. */
export function bytesState(name: string, tensors: ReadonlyMap<string, StoredTensor>): StateSource {
  return {
    name,
    shapes: new Map([...tensors].map(([key, { shape }]) => [key, shape])),
    read: (key) => tensorOf(tensors.get(key)!),
  };
}

/** Writes tensors of other files, one at a time and unchanged to the bit, atomically. */
export async function writeStored(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const sources = [...tensors].map(([name, { dtype, shape, bytes }]) => ({ name, dtype, shape, bytes }));
  await writeSafetensors(path, sources, metadata);
}

/** State as what a file is written from; a tensor's bytes are copied out of the engine when their turn comes. */
export function sourcesOf(state: readonly NamedTensor[]): SafetensorsSource[] {
  return state.map(([name, tensor]) => ({
    name,
    dtype: names[tensor.dtype],
    shape: tensor.shape,
    bytes: () => tensor.toBytes(),
  }));
}

/** Writes state atomically. */
export async function writeState(
  path: string,
  state: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeSafetensors(path, sourcesOf(state), metadata);
}
