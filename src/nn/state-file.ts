/** @file A model's state in a safetensors file. */
import {
  openSafetensors,
  type SafetensorsDType,
  type SafetensorsFile,
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
  return tensorFromBytes(entry.bytes(), entry.shape, dtypes[entry.dtype], device);
}

/** A file as a source of state, checked when opened and read tensor by tensor. */
export function stateFile(path: string): StateSource {
  return fileState(openSafetensors(path));
}

/** An open file as a source of state. */
export function fileState(file: SafetensorsFile): StateSource {
  return {
    name: file.path,
    shapes: new Map([...file.tensors].map(([name, { shape }]) => [name, shape])),
    read: (name) => readTensor(file, name),
  };
}

/** Writes state atomically; a tensor's bytes are copied out of the engine when their turn comes. */
export async function writeState(
  path: string,
  state: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const sources = state.map(([name, tensor]) => ({
    name,
    dtype: names[tensor.dtype],
    shape: tensor.shape,
    bytes: () => tensor.toBytes(),
  }));
  await writeSafetensors(path, sources, metadata);
}
