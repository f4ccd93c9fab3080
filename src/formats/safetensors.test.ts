import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DreamError } from "../errors.js";
import { openSafetensors, writeSafetensors, writeSafetensorsRows } from "./safetensors.js";

const folder = mkdtempSync(join(tmpdir(), "dream-safetensors-"));
const sizes = { F32: 4, I64: 8, BF16: 2, U8: 1 } as const;

const tensorArbitrary = fc
  .record({
    name: fc
      .string({ minLength: 1, unit: "grapheme" })
      .filter((name) => name !== "__metadata__" && name !== "__proto__"),
    dtype: fc.constantFrom("F32", "I64", "BF16", "U8" as const),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  })
  .chain(({ name, dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, sizes[dtype]);
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => ({ name, dtype, shape, bytes }));
  });

describe("safetensors", () => {
  it("give back what was written", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(tensorArbitrary, { selector: ({ name }) => name, maxLength: 5 }),
        fc.dictionary(fc.string({ minLength: 1 }), fc.string()),
        async (tensors, metadata) => {
          const path = join(folder, "round.safetensors");
          await writeSafetensors(
            path,
            tensors.map(({ bytes, ...rest }) => ({ ...rest, bytes: () => bytes })),
            metadata,
          );
          const file = openSafetensors(path);
          expect({ ...file.metadata }).toEqual({ ...metadata });
          expect([...file.tensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
          for (const { name, dtype, shape, bytes } of tensors) {
            const entry = file.tensors.get(name)!;
            expect([entry.dtype, entry.shape]).toEqual([dtype, shape]);
            expect(entry.bytes()).toEqual(bytes);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("keep metadata whatever its keys are called", async () => {
    const path = join(folder, "keys.safetensors");
    const metadata = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>;
    await writeSafetensors(path, [], metadata);
    expect(Object.entries(openSafetensors(path).metadata)).toEqual(Object.entries(metadata));
  });

  it("are the same where rows are put one by one, in any order, and give each row back", async () => {
    const width = 6;
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 3 * width, maxLength: 40 * width }),
        fc.integer(),
        async (values, seed) => {
          const rows = Math.floor(values.length / width);
          const data = values.subarray(0, rows * width);
          const row = (i: number): Uint8Array => data.subarray(i * width, (i + 1) * width);
          const tensors = [
            { name: "a", dtype: "U8" as const, shape: [rows, 2, 3] },
            { name: "b", dtype: "BF16" as const, shape: [rows, 3] },
          ];
          const [whole, pieces] = [join(folder, "rows-whole"), join(folder, "rows-pieces")];
          await writeSafetensors(
            whole,
            tensors.map((one) => ({ ...one, bytes: () => data })),
          );
          const order = Array.from({ length: rows }, (_, i) => i).sort(
            (i, j) => Math.sin(seed * (i + 1)) - Math.sin(seed * (j + 1)),
          );
          await writeSafetensorsRows(pieces, tensors, {}, async (put) => {
            for (const i of order) await put("b", i, row(i));
            for (const i of order) await put("a", i, row(i));
          });
          expect(readFileSync(pieces).equals(readFileSync(whole))).toBe(true);
          const { tensors: read } = openSafetensors(pieces);
          expect(read.get("b")!.rowBytes(rows - 1)).toEqual(row(rows - 1));
        },
      ),
      { numRuns: 20 },
    );
  });

  it("tell of a file cut short at any byte, by name", async () => {
    const path = join(folder, "whole.safetensors");
    await writeSafetensors(path, [
      { name: "a", dtype: "F32", shape: [2, 2], bytes: () => new Uint8Array(16) },
    ]);
    const whole = readFileSync(path);
    const cut = join(folder, "cut.safetensors");
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(cut, whole.subarray(0, length));
      expect(() => openSafetensors(cut), `${length} bytes`).toThrow(DreamError);
      expect(() => openSafetensors(cut)).toThrow(
        /cut\.safetensors: expected .* got .*copy or download it again/i,
      );
    }
  });

  it("refuse headers that lie", () => {
    const path = join(folder, "liar.safetensors");
    const lies: readonly string[] = [
      "[]",
      "{",
      '{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}',
      '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    ];
    for (const header of lies) {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(header.length));
      writeFileSync(path, Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]));
      expect(() => openSafetensors(path), header).toThrow(DreamError);
    }
  });

  it("leave no partial file behind when writing fails", async () => {
    const path = join(folder, "failed", "state.safetensors");
    const source = {
      name: "a",
      dtype: "F32" as const,
      shape: [1],
      bytes: () => {
        throw new Error("the engine said no");
      },
    };
    await expect(writeSafetensors(path, [source])).rejects.toThrow(/the engine said no/);
    expect(readdirSync(join(folder, "failed"))).toEqual([]);
  });
});
