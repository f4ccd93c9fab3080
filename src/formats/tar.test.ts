import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DreamError } from "../errors.js";
import { type TarMember, tarMembers } from "./tar.js";
import { type TarEntry, writeTar } from "./tar-writer.js";

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

const membersOf = (path: string): TarMember[] => [...tarMembers(path)];

function contents(path: string): Record<string, string> {
  const bytes = readFileSync(path);
  return Object.fromEntries(
    membersOf(path).map(({ name, offset, size }) => [name, bytes.toString("latin1", offset, offset + size)]),
  );
}

const expected = Object.fromEntries(
  samples.map(({ name, data }) => [name, Buffer.from(data).toString("latin1")]),
);

describe("tar", () => {
  it("names an archive that is cut within a member's padding", async () => {
    const path = join(folder, "padding.tar");
    await writeTar(path, entries(samples));
    const { offset, size } = membersOf(path)[0]!;
    writeFileSync(path, readFileSync(path).subarray(0, offset + size + 1));
    expect(() => membersOf(path)).toThrow(/padding\.tar.*cut short/s);
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
    expect(contents(path)).toEqual(expected);
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
    const found = contents(path);
    for (const name of names) expect(found[name]).toBe(expected[name]);
  });

  it("names archive, member and sizes where it is cut short", async () => {
    const path = join(folder, "whole.tar");
    await writeTar(path, entries([{ name: "picture.png", data: Buffer.alloc(2000, 1) }]));
    const cut = join(folder, "cut.tar");
    for (const length of [0, 100, 511, 600, 1024, 2000]) {
      writeFileSync(cut, readFileSync(path).subarray(0, length));
      expect(() => membersOf(cut), `${length} bytes`).toThrow(DreamError);
    }
    expect(() => membersOf(cut)).toThrow(/cut\.tar: expected 2000 bytes of member 'picture\.png', got 1488/);
  });

  it("refuses what is no archive", async () => {
    const path = join(folder, "noise.tar");
    writeFileSync(path, Buffer.alloc(2048, 65));
    expect(() => membersOf(path)).toThrow(/checksum/);
    expect(() => membersOf(join(folder, "absent.tar"))).toThrow(expect.objectContaining({ code: "io" }));
  });
});

/** A header as tar writes it. */
function header(name: string, kind: string, size: string | Buffer): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  if (typeof size === "string") block.write(size, 124);
  else size.copy(block, 124);
  block.write(kind, 156);
  block.write("ustar\u000000", 257);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

const padded = (text: string): Buffer =>
  Buffer.alloc(Math.ceil(text.length / 512) * 512).fill(text, 0, text.length);

/** `LENGTH KEY=VALUE\n`, its length included. */
const pax = (key: string, value: string, length = key.length + value.length + 5): string =>
  `${length} ${key}=${value}\n`;

describe("a hostile archive", () => {
  const path = join(folder, "hostile.tar");
  const refusal = (...blocks: readonly Buffer[]): (() => TarMember[]) => {
    writeFileSync(path, Buffer.concat([...blocks, Buffer.alloc(1024)]));
    return () => membersOf(path);
  };
  const octal = (n: number): string => n.toString(8).padStart(11, "0");

  it("claims sizes that are no sizes", () => {
    expect(refusal(header("a", "0", Buffer.from([0xff, ...Array(10).fill(0xff), 0xf0])))).toThrow(
      /whole number/,
    );
    expect(refusal(header("a", "0", Buffer.from([0x80, ...Array(11).fill(0xff)])))).toThrow(/whole number/);
    expect(refusal(header("a", "0", "-0000000001"))).toThrow(/whole number/);
    expect(refusal(header("a", "0", "7777777777"))).toThrow(/cut short/);
    for (const size of ["-5", "1e9", "NaN", "9".repeat(30)]) {
      const record = pax("size", size);
      const blocks = [header("x", "x", octal(record.length)), padded(record), header("a", "0", octal(0))];
      expect(refusal(...blocks), size).toThrow(/a size in digits|cut short/);
    }
  });

  it("has records that are too long, or not as long as they say", () => {
    expect(refusal(header("x", "x", octal(2 << 20)), Buffer.alloc(2 << 20))).toThrow(/record of at most/);
    expect(refusal(header("x", "L", octal(2 << 20)), Buffer.alloc(2 << 20))).toThrow(/record of at most/);
    for (const record of [
      pax("path", "a", 500),
      pax("path", "a", 2),
      "x path=a\n",
      "99999999999999999999 path=a\n",
    ])
      expect(refusal(header("x", "x", octal(record.length)), padded(record))).toThrow(/PAX records/);
    const name = "n".repeat(5000);
    expect(refusal(header("x", "L", octal(name.length)), padded(name), header("a", "0", octal(0)))).toThrow(
      /a name of/,
    );
  });

  it("may be any bytes, and is read or refused", () => {
    const whole = readFileSync(join(folder, "own.tar"));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at]! + by) % 256;
        writeFileSync(path, damaged);
        try {
          for (const { offset, size } of membersOf(path))
            expect(offset + size).toBeLessThanOrEqual(whole.length);
        } catch (error) {
          expect(error).toBeInstanceOf(DreamError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
