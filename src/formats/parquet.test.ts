import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { PageHeader } from "hyparquet";
import { describe, expect, it } from "vitest";
import { DreamError } from "../errors.js";
import { openParquetFile } from "./parquet.js";
import { ParquetReader } from "./parquet-reader.js";
import { checkRuns } from "./parquet-runs.js";
import { endOfStruct } from "./thrift.js";

const fixtures = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "test", "fixtures", "samples");
const folder = mkdtempSync(join(tmpdir(), "dream-parquet-"));

/** Reads whatever can be read; gives back the errors. */
async function readAll(path: string): Promise<unknown[]> {
  const reader = new ParquetReader();
  const errors: unknown[] = [];
  try {
    const { leaves, rowCounts } = openParquetFile(path);
    for (const [group, rows] of rowCounts.entries())
      for (const leaf of leaves)
        for (const row of [0, rows - 1])
          await reader.readValue(path, group, row, leaf).catch((error: unknown) => errors.push(error));
  } catch (error) {
    errors.push(error);
  }
  reader.close();
  return errors;
}

describe("parquet", () => {
  it.each(["struct", "zstd", "gzip", "lz4", "brotli", "none", "pages-v2", "list", "delta"])(
    "%s with a byte changed is read or refused, and nothing else",
    async (name) => {
      const bytes = readFileSync(join(fixtures, `${name}.parquet`));
      const path = join(folder, `${name}.parquet`);
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
          const damaged = Buffer.from(bytes);
          damaged[at] = (damaged[at]! + by) % 256;
          writeFileSync(path, damaged);
          for (const error of await readAll(path)) expect(error).toBeInstanceOf(DreamError);
        }),
        { numRuns: 60 },
      );
    },
  );

  it("is refused where it is cut short, or no parquet", () => {
    const bytes = readFileSync(join(fixtures, "struct.parquet"));
    const path = join(folder, "cut.parquet");
    for (const length of [0, 4, 11, 12, 100, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      expect(() => openParquetFile(path)).toThrow(DreamError);
    }
    const claiming = Buffer.from(bytes);
    claiming.writeUInt32LE(0x7fffffff, bytes.length - 8);
    writeFileSync(path, claiming);
    expect(() => openParquetFile(path)).toThrow(/a footer of 2147483647 bytes/);
    expect(() => openParquetFile(join(folder, "absent.parquet"))).toThrow(
      expect.objectContaining({ code: "io" }),
    );
  });
});

describe("Thrift", () => {
  it("is walked over to its end", () => {
    // Field 1: a number; field 2: text; field 3: a list of two truth values; field 4: a structure.
    const bytes = [0x15, 0x80, 0x01, 0x18, 2, 65, 66, 0x19, 0x21, 1, 2, 0x1c, 0x15, 2, 0, 0];
    expect(endOfStruct(Uint8Array.from([...bytes, 9, 9]), 0)).toBe(bytes.length);
    for (let length = 0; length < bytes.length; length++)
      expect(() => endOfStruct(Uint8Array.from(bytes.slice(0, length)), 0)).toThrow(RangeError);
  });

  it("is refused where lists claim more than there is, or structures stand too deep", () => {
    expect(() => endOfStruct(Uint8Array.from([0x19, 0xf5, 0xff, 0xff, 0xff, 0x07, 0, 0]), 0)).toThrow(
      /a list claims/,
    );
    expect(() => endOfStruct(new Uint8Array(100).fill(0x1c), 0)).toThrow(/too deep/);
  });
});

describe("runs", () => {
  const header = (values: number, encoding = "RLE_DICTIONARY") =>
    ({ data_page_header: { num_values: values, encoding } }) as unknown as PageHeader;
  const flat = { repetition: 0, definition: 0 };

  it("may be as long as their page has values", () => {
    // Width 1, then a run of 100 ones.
    const page = Uint8Array.from([1, 0xc8, 0x01, 1]);
    expect(() => checkRuns(header(100), page, page, flat)).not.toThrow();
    const bomb = Uint8Array.from([1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1]);
    expect(() => checkRuns(header(100), bomb, bomb, flat)).toThrow(/a run of 2147483647 values/);
    const packed = Uint8Array.from([1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]);
    expect(() => checkRuns(header(100), packed, packed, flat)).toThrow(/a run of/);
  });

  it("are looked for among levels too", () => {
    const levels = Uint8Array.from([6, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1]);
    expect(() => checkRuns(header(5, "PLAIN"), levels, levels, { ...flat, definition: 1 })).toThrow(
      /a run of/,
    );
    const long = Uint8Array.from([60, 0, 0, 0, 2, 1]);
    expect(() => checkRuns(header(5, "PLAIN"), long, long, { ...flat, repetition: 1 })).toThrow(
      /longer than/,
    );
    expect(() => checkRuns(header(5, "DELTA_BYTE_ARRAY"), long, long, flat)).toThrow(/DELTA_BYTE_ARRAY/);
  });
});
