import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { indexZip } from "./zip-directory.js";
import { writeStoredZip } from "./zip-writer.js";

const folder = mkdtempSync(join(tmpdir(), "dream-zip-"));
const path = join(folder, "some.zip");

async function written(...entries: [name: string, text: string][]): Promise<Buffer> {
  const file = await open(path, "w");
  await writeStoredZip(
    file,
    entries.map(([name, text]) => ({ name, bytes: () => Buffer.from(text) })),
  );
  await file.close();
  return readFileSync(path);
}

describe("a zip archive of stored entries", () => {
  it("is listed with the places of its bytes, and the same again where written again", async () => {
    const bytes = await written(["a/x", "hello"], ["a/ü", ""], ["a/y", "world!"]);
    const entries = await indexZip(path);
    expect([...entries.keys()]).toEqual(["a/x", "a/ü", "a/y"]);
    const { offset, size, isPlain } = entries.get("a/y")!;
    expect([bytes.toString("utf8", offset, offset + size), offset % 64, isPlain]).toEqual([
      "world!",
      0,
      true,
    ]);
    expect((await written(["a/x", "hello"], ["a/ü", ""], ["a/y", "world!"])).equals(bytes)).toBe(true);
  });

  it("is refused with two entries of one name, or a name that leaves its folder", async () => {
    await written(["a/x", "one"], ["a/x", "two"]);
    await expect(indexZip(path)).rejects.toThrow(/some\.zip: expected one place for entry "a\/x", got two/);
    for (const name of ["../x", "/etc/x", "a\\..\\x"]) {
      await written([name, "one"]);
      await expect(indexZip(path), name).rejects.toMatchObject({ code: "format" });
    }
  });

  it("is refused where a header claims more than the file has", async () => {
    const bytes = await written(["a/x", "hello"], ["a/y", "world!"]);
    const directory = bytes.indexOf("PK\x01\x02");
    const claims: [at: number, value: number, message: RegExp][] = [
      [directory + 20, 0x7fffffff, /mismatch|bytes from/],
      [directory + 42, 0x7fffffff, /expected a header at 2147483647 for entry "a\/x"/],
      [directory + 42, 1, /expected a header at 1 for entry "a\/x", got other bytes/],
      [bytes.length - 6, 0x7fffffff, /got a file of/],
      [bytes.length - 6, 3, /signature/],
    ];
    for (const [at, value, message] of claims) {
      const claim = Buffer.from(bytes);
      claim.writeUInt32LE(value, at);
      writeFileSync(path, claim);
      await expect(indexZip(path), `${at}`).rejects.toThrow(message);
      await expect(indexZip(path)).rejects.toMatchObject({ code: "format" });
    }
  });

  it("is refused where a 64-bit locator points out of the file, or counts more than any archive", async () => {
    const bytes = await written(["a/x", "hello"]);
    const end = bytes.subarray(bytes.length - 22);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50);
    for (const position of [2n ** 64n - 1n, 2n ** 53n - 1n, 2n ** 40n]) {
      locator.writeBigUInt64LE(position, 8);
      writeFileSync(path, Buffer.concat([bytes.subarray(0, -22), locator, end]));
      await expect(indexZip(path), String(position)).rejects.toMatchObject({ code: "format" });
    }
    const long = Buffer.alloc(56);
    long.writeUInt32LE(0x06064b50);
    long.writeBigUInt64LE(2n ** 50n, 32);
    locator.writeBigUInt64LE(BigInt(bytes.length - 22), 8);
    writeFileSync(path, Buffer.concat([bytes.subarray(0, -22), long, locator, end]));
    await expect(indexZip(path)).rejects.toThrow(/at most 1000000 entries, got 1125899906842624/);
  });

  it("of more entries than 16 bits count is written in the 64-bit form and read again", async () => {
    const file = await open(path, "w");
    const count = 66_000;
    await writeStoredZip(
      file,
      Array.from({ length: count }, (_, i) => ({ name: `a/${i}`, bytes: () => Buffer.alloc(0) })),
    );
    await file.close();
    const entries = await indexZip(path);
    expect(entries.size).toBe(count);
    expect(entries.has(`a/${count - 1}`)).toBe(true);
  });
});
