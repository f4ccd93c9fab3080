import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type TarEntry, writeTar } from "../formats/tar-writer.js";
import { fingerprintOf, keptIndex, lookAt, readIndex } from "./index-file.js";
import type { IndexedFile, SampleIndex } from "./sample-index.js";
import { indexShards } from "./shards.js";

const folder = mkdtempSync(join(tmpdir(), "dream-index-"));

async function* entries(): AsyncGenerator<TarEntry> {
  for (let i = 0; i < 30; i++) {
    yield { name: `${i}.png`, data: new Uint8Array(10 + i) };
    if (i % 3 > 0) yield { name: `${i}.json`, data: Buffer.from("{}") };
  }
}

const rowsOf = (index: SampleIndex) =>
  Array.from({ length: index.count }, (_, i) => [
    index.key(i),
    index.fileOf(i),
    ...[0, 1, 2].map((part) => index.range(part, i)),
  ]);

describe("a kept index", () => {
  let files: readonly IndexedFile[];
  let path: string;
  let bytes: Buffer;
  let built: SampleIndex;
  beforeAll(async () => {
    const paths = ["a.tar", "b.tar"].map((name) => join(folder, name));
    for (const one of paths) await writeTar(one, entries());
    files = lookAt(paths);
    built = await keptIndex("shards", files, { kind: "beside-data" }, () => indexShards(files));
    path = join(folder, readdirSync(folder).find((name) => name.startsWith(".dream-index"))!);
    bytes = readFileSync(path);
  });
  const read = (): SampleIndex | null => readIndex(path, fingerprintOf("shards", files), files);

  it("gives what was built, and is not built twice", async () => {
    expect(rowsOf(read()!)).toEqual(rowsOf(built));
    expect(built.fileOf(29)).toBe(0);
    expect(built.fileOf(30)).toBe(1);
    const again = await keptIndex("shards", files, { kind: "beside-data" }, () => {
      throw new Error("built again");
    });
    expect(again.count).toBe(60);
  });

  it("costs its keys, 4 bytes, and 12 for each part", () => {
    const keyBytes = 2 * (10 + 2 * 20);
    // Two firsts and the number of all; no sample has a text.
    expect(statSync(path).size).toBe(88 + 4 * 3 + keyBytes + 60 * (4 + 2 * 12));
  });

  it("is not believed for files that have changed", () => {
    const changed = files.map((file) => ({ ...file, mtimeMs: file.mtimeMs + 1 }));
    expect(readIndex(path, fingerprintOf("shards", changed), changed)).toBeNull();
  });

  it("is not believed where any byte is another, or some are missing", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at]! + by) % 256;
        writeFileSync(path, damaged);
        expect(read()).toBeNull();
        writeFileSync(path, bytes.subarray(0, at));
        expect(read()).toBeNull();
      }),
      { numRuns: 60 },
    );
    writeFileSync(path, bytes);
  });

  it("is not believed where it is well made and points elsewhere", () => {
    /** The same with one number changed, and a hash that fits. */
    const forged = (change: (payload: Buffer) => void): Buffer => {
      const made = Buffer.from(bytes);
      change(made.subarray(88));
      createHash("sha256").update(made.subarray(72)).digest().copy(made, 40);
      return made;
    };
    const keysAt = 4 * 3 + 4 * 60;
    const offsetsAt = keysAt + 100;
    const forgeries = [
      (payload: Buffer) => payload.writeUInt32LE(61, 4),
      (payload: Buffer) => payload.writeUInt32LE(4_000_000_000, 12),
      (payload: Buffer) => payload.writeDoubleLE(-1, offsetsAt),
      (payload: Buffer) => payload.writeDoubleLE(1e15, offsetsAt),
      (payload: Buffer) => payload.writeDoubleLE(Number.NaN, offsetsAt),
      (payload: Buffer) => payload.writeUInt32LE(4_000_000_000, offsetsAt + 8 * 60),
    ];
    for (const [i, change] of forgeries.entries()) {
      writeFileSync(path, forged(change));
      expect(read(), `forgery ${i}`).toBeNull();
    }
    writeFileSync(
      path,
      forged(() => {}),
    );
    expect(read()).not.toBeNull();
    // Lengths that claim gigabytes, in a short file.
    const claiming = Buffer.from(bytes);
    claiming.writeUInt32LE(0xffffffff, 72);
    writeFileSync(path, claiming);
    expect(read()).toBeNull();
  });
});
