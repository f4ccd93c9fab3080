import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NumberArray, npyBytes, parseNpy } from "./npy.js";

const file = (name: string): Uint8Array => readFileSync(`test/fixtures/numpy/${name}.npy`);

/** Arrays of every kind, of up to three sides. */
const arrays: fc.Arbitrary<NumberArray> = fc.array(fc.nat({ max: 4 }), { maxLength: 3 }).chain((shape) => {
  const count = shape.reduce((product, side) => product * side, 1);
  const size = { minLength: count, maxLength: count };
  return fc.record({
    shape: fc.constant(shape),
    data: fc.oneof(
      fc.float64Array(size),
      fc.float32Array(size),
      fc.bigInt64Array(size),
      fc.int32Array(size),
      fc.uint8Array(size),
    ),
  });
});

describe("a NumPy array", () => {
  it.each([
    ["f8", Float64Array],
    ["f4", Float32Array],
    ["i8", BigInt64Array],
    ["i4", Int32Array],
    ["u1", Uint8Array],
  ])("of %s is read as numpy saved it, and written byte for byte the same", (kind, Numbers) => {
    const { shape, data } = parseNpy(file(kind), kind);
    expect(shape).toEqual([2, 3]);
    expect(data).toBeInstanceOf(Numbers);
    expect(Array.from<number | bigint>(data).map(Number)).toEqual([0, 3, 6, 9, 12, 15]);
    expect(Buffer.from(npyBytes({ shape, data }))).toEqual(Buffer.from(file(kind)));
  });

  it("is read in every version, and of every number of sides", () => {
    for (const name of ["version-2", "version-3"])
      expect(parseNpy(file(name), name)).toEqual({
        shape: [2, 3],
        data: Float64Array.of(0, 1, 2, 3, 4, 5),
      });
    expect(parseNpy(file("one-number"), "")).toEqual({ shape: [], data: Float64Array.of(7.5) });
    expect(parseNpy(file("row"), "")).toEqual({ shape: [2], data: Float64Array.of(1.5, -2) });
    expect(parseNpy(file("none"), "")).toEqual({ shape: [0, 3], data: new Float64Array(0) });
  });

  it("with columns first is turned round", () => {
    expect(parseNpy(file("columns-first"), "")).toEqual({
      shape: [2, 3],
      data: Float64Array.of(0, 1, 2, 3, 4, 5),
    });
  });

  it("comes back as it was written", () => {
    fc.assert(
      fc.property(arrays, (array) => {
        expect(parseNpy(npyBytes(array), "")).toEqual(array);
      }),
    );
  });

  it("is read wherever its bytes lie", () => {
    const bytes = new Uint8Array(file("f8").length + 3);
    bytes.set(file("f8"), 3);
    expect(parseNpy(bytes.subarray(3), "").data[5]).toBe(15);
  });

  it.each([
    ["pickled", /expected numbers, got objects, which are pickled and never read/],
    ["records", /expected a header with descr of one kind/],
    ["big-endian", /expected numbers as <f8, <f4, <i8, <i4, \|u1, got >f8/],
    ["half", /got <f2/],
    ["columns-first-3d", /got columns first, 2 x 3 x 4/],
  ])("is refused where it is %s", (name, message) => {
    expect(() => parseNpy(file(name), name)).toThrow(message);
  });

  it("is refused where it is cut short anywhere, or goes on", () => {
    const bytes = file("f4");
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseNpy(bytes.subarray(0, length), "cut"), String(length)).toThrow(/^read cut: /);
    expect(() => parseNpy(Buffer.concat([bytes, Buffer.alloc(4)]), "long")).toThrow(
      /expected 24 bytes of numbers, shape 2 x 3, got 28/,
    );
  });

  it("is refused with a clear error whatever byte of its header is another", () => {
    const bytes = file("f8");
    fc.assert(
      fc.property(fc.nat({ max: 79 }), fc.nat({ max: 255 }), (at, value) => {
        const changed = new Uint8Array(bytes);
        changed[at] = value;
        try {
          parseNpy(changed, "changed");
        } catch (error) {
          expect(error).toMatchObject({ name: "DreamError", code: "format" });
        }
      }),
      { numRuns: 500 },
    );
  });
});
