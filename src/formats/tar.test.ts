import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DreamError } from "../errors.js";
import { indexTar, openArchive, readMember, type TarEntry, writeTar } from "./tar.js";

const folder = mkdtempSync(join(tmpdir(), "dream-tar-"));

async function* entries(list: readonly TarEntry[]): AsyncGenerator<TarEntry> {
  yield* list;
}

const long = `${"deep/".repeat(30)}${"n".repeat(120)}.txt`;
const samples: readonly TarEntry[] = [
  { name: "0001.txt", data: Buffer.from("a red circle") },
  { name: "empty.bin", data: new Uint8Array(0) },
  { name: long, data: Buffer.alloc(1000, 7) },
  { name: "grüße.txt", data: Buffer.from("ok") },
];

async function contents(path: string): Promise<Record<string, string>> {
  const file = await openArchive(path);
  const found: Record<string, string> = {};
  for (const member of await indexTar(path))
    found[member.name] = (await readMember(path, file, member)).toString("latin1");
  await file.close();
  return found;
}

const expected = Object.fromEntries(
  samples.map(({ name, data }) => [name, Buffer.from(data).toString("latin1")]),
);

describe("tar", () => {
  it("names an archive that is cut within a member's padding", async () => {
    const path = join(folder, "padding.tar");
    await writeTar(path, entries(samples));
    const { offset, size } = (await indexTar(path))[0]!;
    writeFileSync(path, readFileSync(path).subarray(0, offset + size + 1));
    await expect(indexTar(path)).rejects.toThrow(/padding\.tar.*cut short/s);
  });

  it("leaves nothing where the entries end in an error", async () => {
    const path = join(folder, "broken.tar");
    const reason = new Error("no more");
    async function* breaking(): AsyncGenerator<TarEntry> {
      yield* samples;
      throw reason;
    }
    await expect(writeTar(path, breaking())).rejects.toBe(reason);
    expect(readdirSync(folder).filter((name) => name.startsWith("broken"))).toEqual([]);
  });

  it("indexes what was written, long and foreign names included", async () => {
    const path = join(folder, "own.tar");
    await writeTar(path, entries(samples));
    expect(await contents(path)).toEqual(expected);
  });

  it("writes the same bytes for the same entries", async () => {
    const [a, b] = [join(folder, "a.tar"), join(folder, "b.tar")];
    await writeTar(a, entries(samples));
    await writeTar(b, entries(samples));
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
  });

  it.each(["ustar", "gnu", "pax"])("reads the system's %s archives", async (format) => {
    const source = mkdtempSync(join(folder, "files-"));
    const names = format === "ustar" ? ["0001.txt", "empty.bin"] : samples.map(({ name }) => name);
    for (const name of names) {
      mkdirSync(join(source, name, ".."), { recursive: true });
      writeFileSync(join(source, name), samples.find((one) => one.name === name)!.data);
    }
    const path = join(folder, `${format}.tar`);
    execFileSync("tar", ["-C", source, `--format=${format}`, "-cf", path, ...names]);
    const found = await contents(path);
    for (const name of names) expect(found[name]).toBe(expected[name]);
  });

  it("names archive, member and sizes where it is cut short", async () => {
    const path = join(folder, "whole.tar");
    await writeTar(path, entries([{ name: "picture.png", data: Buffer.alloc(2000, 1) }]));
    const cut = join(folder, "cut.tar");
    for (const length of [0, 100, 511, 600, 1024, 2000]) {
      writeFileSync(cut, readFileSync(path).subarray(0, length));
      await expect(indexTar(cut), `${length} bytes`).rejects.toBeInstanceOf(DreamError);
    }
    await expect(indexTar(cut)).rejects.toThrow(
      /cut\.tar: expected 2000 bytes of member 'picture\.png', got 1488/,
    );
  });

  it("refuses what is no archive", async () => {
    const path = join(folder, "noise.tar");
    writeFileSync(path, Buffer.alloc(2048, 65));
    await expect(indexTar(path)).rejects.toThrow(/checksum/);
    await expect(indexTar(join(folder, "absent.tar"))).rejects.toMatchObject({ code: "io" });
  });
});
