import { describe, expect, it } from "vitest";
import { readPickle } from "../pickle/read.js";
import type { PickleValue } from "../pickle/value.js";
import type { TorchTensor } from "./tensor.js";
import { torchVocabulary } from "./vocabulary.js";

/** One storage "0" of twelve bytes: 0, 1, 2, ... */
const storage = Uint8Array.from({ length: 12 }, (_, i) => i);

function read(pickle: string): PickleValue {
  const vocabulary = torchVocabulary({
    size: (key) => (key === "0" ? storage.length : undefined),
    read: (_, offset, length) => storage.slice(offset, offset + length),
  });
  return readPickle(Buffer.from(pickle, "latin1"), { path: "x.pth", part: "data.pkl" }, vocabulary);
}

const id = (type: string, key: string, count: string): string =>
  `(U\x07storagec${type}\nU${String.fromCharCode(key.length)}${key}U\x03cpu${count}tQ`;
const bytes12 = id("torch\nByteStorage", "0", "K\x0c");
const wholes = (...numbers: number[]): string => `(${numbers.map((n) => `I${n}\n`).join("")}t`;
const tensor = (storageId: string, offset: number, shape: string, strides: string): string =>
  `ctorch._utils\n_rebuild_tensor_v2\n(${storageId}I${offset}\n${shape}${strides}\x89)tR.`;

describe("a tensor in a checkpoint's pickle", () => {
  it("is a window on its storage", () => {
    const value = read(tensor(bytes12, 1, wholes(2, 3), wholes(1, 4))) as TorchTensor;
    expect([value.dtype, value.shape, [...value.bytes()]]).toEqual(["U8", [2, 3], [1, 5, 9, 2, 6, 10]]);
  });

  it("brings its own type to an untyped storage", () => {
    const untyped = id("torch.storage\nUntypedStorage", "0", "K\x0c");
    const v3 = `ctorch._utils\n_rebuild_tensor_v3\n(${untyped}K\x00${wholes(3)}${wholes(2)}\x89)ctorch\nint16\ntR.`;
    const value = read(v3) as TorchTensor;
    expect([value.dtype, [...value.bytes()]]).toEqual(["I16", [0, 1, 4, 5, 8, 9]]);
    expect(() => read(tensor(untyped, 0, wholes(3), wholes(1)))).toThrow(/a tensor's element type, got none/);
  });

  it.each<[string, string, RegExp]>([
    [
      "a storage of another length",
      tensor(id("torch\nByteStorage", "0", "K\x0d"), 0, wholes(1), wholes(1)),
      /13 bytes in storage "0", got 12/,
    ],
    [
      "a storage of another type",
      tensor(id("torch\nFloatStorage", "0", "K\x0c"), 0, wholes(1), wholes(1)),
      /48 bytes in storage "0", got 12/,
    ],
    [
      "a storage that is not there",
      tensor(id("torch\nByteStorage", "../0", "K\x0c"), 0, wholes(1), wholes(1)),
      /no such storage/,
    ],
    ["an id of something else", "K\x01Q.", /the id of a storage, got 1/],
    ["a storage without a tensor", `${bytes12}.`, /expected data, got a storage without a tensor/],
    ["no storage", tensor("N", 0, wholes(1), wholes(1)), /a tensor's storage, got None/],
    [
      "an end beyond the storage",
      tensor(bytes12, 0, wholes(4, 3), wholes(4, 1)),
      /within its storage of 12 elements, got one up to element 15/,
    ],
    ["a start beyond the storage", tensor(bytes12, 13, wholes(0), wholes(1)), /within its storage/],
    ["a negative start", tensor(bytes12, -1, wholes(1), wholes(1)), /offset, shape and strides/],
    ["negative strides", tensor(bytes12, 11, wholes(2), wholes(-1)), /offset, shape and strides/],
    ["fewer strides than axes", tensor(bytes12, 0, wholes(2, 2), wholes(1)), /offset, shape and strides/],
    [
      "too many axes",
      tensor(bytes12, 0, wholes(...Array(65).fill(1)), wholes(...Array(65).fill(0))),
      /offset, shape and strides/,
    ],
    [
      "more repetition than memory",
      tensor(bytes12, 0, wholes(2 ** 40), wholes(0)),
      /at most 1048576 elements/,
    ],
    [
      "more repetition than numbers",
      tensor(bytes12, 0, wholes(2 ** 50, 2 ** 50, 2 ** 50), wholes(0, 0, 0)),
      /at most 1048576 elements/,
    ],
    [
      "sizes of which one is 0 and the others have no product",
      tensor(bytes12, 0, wholes(...Array(40).fill(2 ** 50), 0), wholes(...Array(41).fill(0))),
      /at most 1048576 elements|within its storage/,
    ],
    [
      "a parameter of something else",
      "ctorch._utils\n_rebuild_parameter\n(K\x01\x88)tR.",
      /a parameter's tensor, got 1/,
    ],
    ["a device of something else", "ctorch\ndevice\n(U\x04a\nb\x1btR.", /a device/],
  ])("is refused for %s", (_, pickle, message) => expect(() => read(pickle)).toThrow(message));

  it("may be empty, whatever its other sizes", () => {
    const value = read(tensor(bytes12, 0, wholes(0, 2 ** 40), wholes(1, 1))) as TorchTensor;
    expect([...value.bytes()]).toEqual([]);
    expect(value.byteLength).toBe(0);
  });
});
