import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodePng } from "../formats/images.js";
import { type TarEntry, writeTar } from "../formats/tar-writer.js";
import { packageRoot } from "../tensor/native.js";
import { openSamples } from "./open-samples.js";
import type { Sample } from "./sample.js";

const fixtures = join(packageRoot(), "test", "fixtures", "samples");
const pictures = await Promise.all(
  Array.from({ length: 12 }, (_, i) =>
    encodePng({ width: 8, height: 8, data: new Uint8Array(192).fill(10 * i) }),
  ),
);

/** A new folder with files in it. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "dream-samples-"));
  for (const [name, data] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), data);
  }
  return folder;
}

async function shard(path: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  async function* entries(): AsyncGenerator<TarEntry> {
    for (const [name, data] of Object.entries(files)) yield { name, data: Buffer.from(data) };
  }
  await writeTar(path, entries());
}

/** Every sample, or why it cannot be read. */
async function readAll(location: string): Promise<(Sample | string)[]> {
  const source = await openSamples(location);
  const samples: (Sample | string)[] = [];
  for (let number = 0; number < source.count; number++)
    samples.push(await source.read(number).catch((error: Error) => error.message));
  await source.close();
  return samples;
}

/** What matters of a sample. */
const brief = (sample: Sample | string | undefined) =>
  typeof sample === "object"
    ? { captions: sample.captions, label: sample.label, grey: sample.picture.data[0] }
    : sample;

describe("shards", () => {
  it("give captions from text or JSON, whatever the order of members", async () => {
    const folder = folderOf({});
    await shard(join(folder, "b.tar"), {
      "deep/1.png": pictures[1]!,
      "deep/2.PNG": pictures[2]!,
      "deep/2.json": JSON.stringify({ captions: ["two", "zwei"], label: 4 }),
      "deep/1.txt": " one\n",
      "deep/3.mask.png": pictures[3]!,
      "deep/.hidden.png": pictures[3]!,
    });
    await shard(join(folder, "a.tar"), { "0.png": pictures[0]!, "0.json": '{"caption":"null"}' });
    const samples = await readAll(folder);
    expect(samples.map(brief)).toEqual([
      { captions: ["null"], label: null, grey: 0 },
      { captions: ["one"], label: null, grey: 10 },
      { captions: ["two", "zwei"], label: 4, grey: 20 },
    ]);
    expect(samples[2]).toMatchObject({ key: "deep/2", truth: { label: 4 } });
  });

  it("name broken samples", async () => {
    const folder = folderOf({});
    const deep = "[".repeat(100_000);
    await shard(join(folder, "x.tar"), {
      "a.png": pictures[1]!.subarray(0, 60),
      "a.txt": "cut short",
      "b.png": pictures[2]!,
      "c.png": pictures[2]!,
      "c.json": "{broken",
      "d.png": pictures[2]!,
      "d.json": deep,
      "e.png": pictures[2]!,
      "e.txt": "whole",
    });
    const samples = await readAll(folder);
    const reasons = [/x\.tar: a/, /x\.tar: b: expected a caption/, /x\.tar: c/, /x\.tar: d.*levels/];
    for (const [i, reason] of reasons.entries()) expect(samples[i]).toMatch(reason);
    expect(brief(samples[4])).toMatchObject({ captions: ["whole"] });
  });
});

describe("folders of pictures", () => {
  const jsonl = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

  it("are read by metadata.jsonl and metadata.csv", async () => {
    const byLines = folderOf({
      "metadata.jsonl": `${jsonl([
        { file_name: "sub/1.png", text: "one ü" },
        { file_name: "2.png", captions: ["two", "zwei"], label: 3 },
      ])}\n{"file_name": "broken\n${JSON.stringify({ file_name: "3.png", caption: "three" })}`,
      "sub/1.png": pictures[1]!,
      "2.png": pictures[2]!,
      "3.png": pictures[3]!,
    });
    const [one, two, broken, three, ...others] = await readAll(byLines);
    expect(others).toEqual([]);
    expect([one, two, three].map(brief)).toEqual([
      { captions: ["one ü"], label: null, grey: 10 },
      { captions: ["two", "zwei"], label: 3, grey: 20 },
      { captions: ["three"], label: null, grey: 30 },
    ]);
    expect(broken).toMatch(/metadata\.jsonl: row 3/);
    const byCommas = folderOf({
      "metadata.csv": '\ufefffile_name,text,label\r\n1.png,"one, ""ü""\r\nand more",7\r\n\r\n2.png,two\r\n',
      "1.png": pictures[1]!,
      "2.png": pictures[2]!,
    });
    for (const location of [byCommas, join(byCommas, "metadata.csv")])
      expect((await readAll(location)).map(brief)).toEqual([
        { captions: ['one, "ü"\r\nand more'], label: 7, grey: 10 },
        { captions: ["two"], label: null, grey: 20 },
      ]);
  });

  it("never lead out of themselves", async () => {
    const outside = folderOf({ "secret.png": pictures[1]! });
    const folder = folderOf({
      "metadata.jsonl": jsonl(
        ["../secret.png", join(outside, "secret.png"), "a\0.png", "link.png", "sub/../../x.png", ""].map(
          (name) => ({
            file_name: name,
            text: "words",
          }),
        ),
      ),
    });
    symlinkSync(join(outside, "secret.png"), join(folder, "link.png"));
    for (const one of await readAll(folder)) expect(one).toMatch(/names of files inside the folder/);
    const classes = folderOf({ "a/1.png": pictures[1]! });
    symlinkSync(outside, join(classes, "b"));
    await expect(openSamples(classes)).rejects.toThrow(/a link that leads out/);
  });

  it("are read by class", async () => {
    const folder = folderOf({
      "red_apple/2.png": pictures[2]!,
      "red_apple/1.png": pictures[1]!,
      "Blue_bird/1.png": pictures[3]!,
    });
    expect((await readAll(folder)).map(brief)).toEqual([
      { captions: ["Blue bird"], label: 0, grey: 30 },
      { captions: ["red apple"], label: 1, grey: 10 },
      { captions: ["red apple"], label: 1, grey: 20 },
    ]);
  });

  it("are refused where a class has no picture", async () => {
    const folder = folderOf({ "red_apple/1.png": pictures[1]!, "empty/readme.txt": "no picture" });
    await expect(openSamples(folder)).rejects.toThrow(
      "a picture in the folder of each class, got none in empty",
    );
  });

  it("refuse lines that are too long", async () => {
    const folder = folderOf({ "metadata.jsonl": `{"file_name":"1.png","text":"${"x".repeat(1 << 20)}"}\n` });
    await expect(openSamples(folder)).rejects.toThrow(/lines of at most 1048576 bytes/);
    const commas = folderOf({ "metadata.csv": `file_name,text\n1.png,"${"x\n".repeat(1 << 20)}` });
    await expect(openSamples(commas)).rejects.toThrow(/metadata\.csv/);
    await expect(openSamples(folderOf({ "metadata.csv": "name,text\n" }))).rejects.toThrow(
      /`file_name`, got name/,
    );
  });
});

describe("parquet files", () => {
  it.each(["struct", "none", "gzip", "zstd", "lz4", "brotli", "pages", "pages-v2", "delta"])(
    "are read row by row: %s",
    async (name) => {
      const samples = await readAll(join(fixtures, `${name}.parquet`));
      expect(samples.map(brief)).toEqual(
        Array.from({ length: 12 }, (_, i) => ({ captions: [`caption ${i} ü`], label: i, grey: 10 * i })),
      );
    },
  );

  it("may have several captions, and rows without one", async () => {
    const several = await readAll(join(fixtures, "list.parquet"));
    expect(brief(several[7])).toEqual({
      captions: ["caption 7 ü a", "caption 7 ü b"],
      label: null,
      grey: 70,
    });
    const [first, ...broken] = await readAll(join(fixtures, "missing.parquet"));
    expect(brief(first)).toMatchObject({ captions: ["first"] });
    expect(broken.map(String)).toEqual([
      expect.stringMatching(/missing\.parquet:0:1: expected a caption/),
      expect.stringMatching(/missing\.parquet:0:2: expected a caption/),
    ]);
  });

  it("hold a hundred thousand rows in a page", async () => {
    const source = await openSamples(join(fixtures, "equal.parquet"));
    expect(source.count).toBe(100_000);
    expect(await source.read(99_999)).toMatchObject({ caption: "the same" });
    await source.close();
  });

  it("need an image and a caption, the same in all", async () => {
    await expect(openSamples(join(fixtures, "no-caption.parquet"))).rejects.toThrow(
      /got .*picture_of\.bytes.*words/,
    );
    await expect(openSamples(join(fixtures, "{struct,list}.parquet"))).rejects.toThrow(/the columns of/);
  });
});

describe("a source", () => {
  it("is refused where it is unclear or empty, with what is there", async () => {
    await expect(openSamples(folderOf({}))).rejects.toThrow(/an empty folder/);
    await expect(openSamples(folderOf({ "notes.txt": "" }))).rejects.toThrow(/got notes\.txt/);
    await expect(openSamples(folderOf({ "1.png": pictures[0]! }))).rejects.toThrow(
      /1 of them pictures|got 1\.png/,
    );
    const two = folderOf({ "a.tar": "", "b.parquet": "" });
    await expect(openSamples(two)).rejects.toThrow(/\*\.tar and \*\.parquet together/);
    await expect(openSamples(join(two, "*"))).rejects.toThrow(/together/);
    await expect(openSamples(folderOf({ "a.tar.gz": "" }))).rejects.toThrow(/got a\.tar\.gz/);
  });

  it("has a fingerprint that changes with the data", async () => {
    const made = {
      tar: folderOf({}),
      classes: folderOf({ "a/1.png": pictures[1]! }),
      table: folderOf({ "metadata.csv": "file_name,text\n1.png,one\n", "1.png": pictures[1]! }),
      parquet: folderOf({}),
    };
    await shard(join(made.tar, "x.tar"), { "1.png": pictures[1]!, "1.txt": "one" });
    cpSync(join(fixtures, "struct.parquet"), join(made.parquet, "x.parquet"));
    const changed = { tar: "x.tar", classes: "a/1.png", table: "1.png", parquet: "x.parquet" };
    for (const kind of ["tar", "classes", "table", "parquet"] as const) {
      const fingerprint = async (): Promise<string> => (await openSamples(made[kind])).fingerprint;
      const before = await fingerprint();
      expect(await fingerprint()).toBe(before);
      utimesSync(join(made[kind], changed[kind]), 1, 1);
      expect(await fingerprint(), kind).not.toBe(before);
    }
  });

  it("is read the same from its kept index, and from a folder of indexes", async () => {
    const folder = folderOf({});
    await shard(join(folder, "x.tar"), { "1.png": pictures[1]!, "1.txt": "one" });
    const before = await readAll(folder);
    const kept = readdirSync(folder).filter((name) => name.startsWith(".dream-index"));
    expect(kept).toHaveLength(1);
    expect(await readAll(folder)).toEqual(before);
    const elsewhere = join(folderOf({}), "indexes");
    await openSamples(folder, { indexFolder: elsewhere });
    expect(readdirSync(elsewhere)).toHaveLength(1);
    expect(readFileSync(join(elsewhere, readdirSync(elsewhere)[0]!))).toEqual(
      readFileSync(join(folder, kept[0]!)),
    );
    const file = folderOf({ "is-a-file": "" });
    await expect(openSamples(folder, { indexFolder: join(file, "is-a-file") })).rejects.toMatchObject({
      code: "io",
    });
  });
});
