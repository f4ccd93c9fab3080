import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { NpzFile, writeNpz } from "./npz.js";

const folder = mkdtempSync(join(tmpdir(), "dream-npz-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "some.npz");
const fixture = (name: string): string => `test/fixtures/numpy/${name}.npz`;

describe("an archive of NumPy arrays", () => {
  it.each(["stored", "deflated"])("is read as numpy saved it, %s", async (name) => {
    const file = await NpzFile.open(fixture(name));
    expect(file.names).toEqual(["whole", "row"]);
    expect(file.array("whole")).toEqual({ shape: [2, 3], data: Int32Array.of(0, 1, 2, 3, 4, 5) });
    expect(file.array("row").data).toEqual(Float64Array.of(0.25, 4));
    const rows = file.rows("whole");
    expect(rows.shape).toEqual([2, 3]);
    expect(rows.read(1, 1)).toEqual({ shape: [1, 3], data: Int32Array.of(3, 4, 5) });
    expect(() => rows.read(1, 2)).toThrow(/expected rows 0 to 1, got rows 1 to 2/);
    expect(() => file.array("other")).toThrow(/expected an array other, got whole, row/);
  });

  it("comes back as it was written", async () => {
    const arrays = {
      mu: { shape: [3], data: Float64Array.of(1, 2, 3) },
      n: { shape: [], data: BigInt64Array.of(-5n) },
    };
    await writeNpz(path, arrays);
    const file = await NpzFile.open(path);
    expect(Object.fromEntries(file.names.map((name) => [name, file.array(name)]))).toEqual(arrays);
    expect(() => file.rows("n").read(0, 1)).toThrow(/expected an array with rows, got one number/);
  });

  it.each(["stored", "deflated"])("is refused where a byte of its numbers is another, %s", async (name) => {
    const bytes = readFileSync(fixture(name));
    const { entries } = await NpzFile.open(fixture(name));
    const { offset, size } = entries.get("row.npy")!;
    bytes[offset + size - 4]! ^= 1;
    writeFileSync(path, bytes);
    const file = await NpzFile.open(path);
    expect(() => file.array("row")).toThrow(/expected row.npy, stored or deflated, got /);
    expect(file.array("whole").data[5]).toBe(5);
  });

  it("is refused where it is cut short or none at all", async () => {
    const bytes = readFileSync(fixture("stored"));
    writeFileSync(path, bytes.subarray(0, -10));
    await expect(NpzFile.open(path)).rejects.toMatchObject({ code: "format" });
    await expect(NpzFile.open("test/fixtures/numpy/f8.npy")).rejects.toMatchObject({ code: "format" });
    await expect(NpzFile.open(join(folder, "nowhere.npz"))).rejects.toMatchObject({ code: "io" });
  });
});
