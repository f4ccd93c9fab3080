/** @file The names of PyTorch's that a checkpoint uses: storages, types, and the functions that put tensors together. */
import {
  described,
  PickleConstructor,
  type PickleItem,
  PickleTool,
  type PickleVocabulary,
  type Refuse,
} from "../pickle/machine.js";
import { buildPython, pythonGlobals } from "../pickle/python.js";
import { isTuple } from "../pickle/value.js";
import { elementBytes, type SafetensorsDType } from "../safetensors.js";
import { extentOf, gathered, TorchName, TorchTensor, torchTypes, type Window } from "./tensor.js";

/** Gives a storage's bytes by its key. */
export interface StorageSource {
  /** How many bytes a storage has; nothing where there is none of that key. */
  size(key: string): number | undefined;
  read(key: string, offset: number, length: number): Uint8Array;
}

/** An element type of storages; null where tensors bring their own. */
class StorageType extends PickleTool {
  constructor(readonly dtype: SafetensorsDType | null) {
    super();
  }

  get description(): string {
    return "a type of storages";
  }
}

class Storage extends PickleTool {
  constructor(
    readonly key: string,
    readonly dtype: SafetensorsDType | null,
    readonly byteLength: number,
  ) {
    super();
  }

  get description(): string {
    return "a storage without a tensor";
  }
}

/** As many as PyTorch allows; longer tuples are no shapes. */
const maximumAxes = 64;

/** A tensor may repeat its storage's elements (strides of 0) up to so many; larger ones could not have been trained. */
const maximumRepeated = 1 << 20;

/** What a checkpoint's pickle may name, over its storages. */
export function torchVocabulary(source: StorageSource): PickleVocabulary {
  const rebuild = (at: number | null): PickleConstructor["make"] => {
    return (args, refuse) =>
      rebuildTensor(args, at === null ? null : dtypeOf(args[at], refuse), source, refuse);
  };
  const constructors = [
    new PickleConstructor("torch._utils._rebuild_tensor", rebuild(null)),
    new PickleConstructor("torch._utils._rebuild_tensor_v2", rebuild(null)),
    new PickleConstructor("torch._utils._rebuild_tensor_v3", rebuild(6)),
    new PickleConstructor("torch._utils._rebuild_parameter", parameterData),
    new PickleConstructor("torch.Size", sizeOf),
    new PickleConstructor("torch.device", deviceOf),
  ];
  const untyped = new StorageType(null);
  return {
    globals: new Map<string, PickleItem>([
      ...pythonGlobals(),
      ...constructors.map((one): [string, PickleItem] => [one.name, one]),
      ...torchTypes.flatMap(([dtype, names, storage]): [string, PickleItem][] => [
        [`torch.${storage}`, new StorageType(dtype)],
        ...names.map((name): [string, PickleItem] => [`torch.${name}`, new TorchName(`torch.${names[0]}`)]),
      ]),
      ["torch.storage.UntypedStorage", untyped],
      ["torch.storage._UntypedStorage", untyped],
    ]),
    persistent: (id, refuse) => storageOf(id, source, refuse),
    build: buildPython,
    reads: `plain data and tensors of ${torchTypes.map(([, [name]]) => name).join(", ")}`,
  };
}

/** A storage from its id: ("storage", type, key, device, element count). */
function storageOf(id: PickleItem, source: StorageSource, refuse: Refuse): Storage {
  const [word, type, key, , count] = isTuple(id) ? (id as readonly PickleItem[]) : [];
  if (word !== "storage" || !(type instanceof StorageType) || typeof key !== "string" || !isWhole(count))
    throw refuse("the id of a storage", described(id));
  const size = source.size(key);
  const wanted = count * (type.dtype === null ? 1 : elementBytes[type.dtype]);
  if (size !== wanted)
    throw refuse(
      `${wanted} bytes in storage ${JSON.stringify(key.slice(0, 40))}`,
      size === undefined ? "no such storage" : `${size}`,
    );
  return new Storage(key, type.dtype, size);
}

/** (storage, offset, shape, strides, whether it wants gradients, hooks, ...) */
function rebuildTensor(
  [storage, offset, shape, strides]: readonly PickleItem[],
  ownType: SafetensorsDType | null,
  source: StorageSource,
  refuse: Refuse,
): TorchTensor {
  if (!(storage instanceof Storage)) throw refuse("a tensor's storage", described(storage ?? null));
  const dtype = ownType ?? storage.dtype;
  if (dtype === null) throw refuse("a tensor's element type", "none");
  if (!isWhole(offset) || !isWholes(shape) || !isWholes(strides) || shape.length !== strides.length)
    throw refuse("a tensor's offset, shape and strides", "other values");
  const window: Window = { offset, shape, strides };
  const bytesEach = elementBytes[dtype];
  const { count, span } = extentOf(window);
  const available = Math.floor(storage.byteLength / bytesEach);
  if (!(offset + span <= available))
    throw refuse(
      `a tensor within its storage of ${available} elements`,
      `one up to element ${offset + span}`,
    );
  if (!(count <= Math.max(available, maximumRepeated)))
    throw refuse(`at most ${Math.max(available, maximumRepeated)} elements`, `${count}`);
  const { key } = storage;
  const read = (): Uint8Array => {
    const bytes = source.read(key, offset * bytesEach, span * bytesEach);
    return count === 0 ? bytes : gathered(bytes, window, bytesEach);
  };
  return new TorchTensor(dtype, [...shape], read);
}

/** A parameter is its tensor. */
function parameterData([data]: readonly PickleItem[], refuse: Refuse): PickleItem {
  if (!(data instanceof TorchTensor)) throw refuse("a parameter's tensor", described(data ?? null));
  return data;
}

function sizeOf([shape]: readonly PickleItem[], refuse: Refuse): PickleItem {
  if (!isWholes(shape)) throw refuse("a shape", described(shape ?? null));
  return shape;
}

function deviceOf([kind, index]: readonly PickleItem[], refuse: Refuse): PickleItem {
  if (typeof kind !== "string" || !/^\w{1,20}$/.test(kind) || !(index === undefined || isWhole(index)))
    throw refuse("a device", described(kind ?? null));
  return new TorchName(index === undefined ? kind : `${kind}:${index}`);
}

const byName = new Map(torchTypes.map(([dtype, [name]]) => [`torch.${name}`, dtype]));

function dtypeOf(item: PickleItem | undefined, refuse: Refuse): SafetensorsDType {
  const dtype = item instanceof TorchName ? byName.get(item.name) : undefined;
  if (dtype === undefined) throw refuse("an element type", described(item ?? null));
  return dtype;
}

function isWhole(item: unknown): item is number {
  return Number.isSafeInteger(item) && (item as number) >= 0;
}

function isWholes(item: unknown): item is readonly number[] {
  return isTuple(item) && item.length <= maximumAxes && item.every(isWhole);
}
