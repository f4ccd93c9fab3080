import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { loudRun } from "../../test/loud-run.js";
import { Dream } from "../dream.js";
import { DreamError } from "../errors.js";
import { encodePng } from "../formats/images.js";
import { PictureIndex } from "./picture-index.js";

let dream: Dream;
let folder: string;
let at: string;

beforeAll(async () => {
  dream = await Dream.load(await loudRun(), { device: "cpu" });
});

afterAll(() => dream.dispose());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dream-pictures-"));
  at = join(mkdtempSync(join(tmpdir(), "dream-index-")), "pictures.index");
});

async function paint(name: string, colour: readonly [number, number, number]): Promise<string> {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  const data = new Uint8Array(32 * 32 * 3);
  for (let i = 0; i < data.length; i += 3) data.set([colour[0], colour[1], (colour[2] + i) % 256], i);
  writeFileSync(path, await encodePng({ width: 32, height: 32, data }));
  return path;
}

const many = (count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, i) =>
      paint(`${i % 3}/${i}.png`, [(i * 37) % 256, (i * 91) % 256, (i * 53) % 256]),
    ),
  );

describe("an index of pictures", () => {
  it("finds what comparing every vector finds, by a sentence and by a picture, and again when it is reopened", async () => {
    const paths = await many(150);
    let index = await PictureIndex.open(at, dream, "loud");
    expect(await index.update(folder)).toEqual({ added: 150, unchanged: 0, removed: 0, broken: [] });
    const sorted = paths.toSorted();
    const vectors = await dream.embedImage(sorted);
    const truth = (query: Float32Array): string[] =>
      sorted
        .map((path, i) => ({
          path,
          score: vectors[i]!.reduce((sum, value, k) => sum + value * query[k]!, 0),
        }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 10)
        .map(({ path }) => path);
    const [text] = await dream.embedText(["a red circle"]);
    for (let opened = 0; opened < 2; opened++) {
      const bySentence = await index.search({ text: "a red circle" }, 10);
      expect(bySentence.map(({ path }) => path)).toEqual(truth(text!));
      expect(bySentence[0]).toMatchObject({ width: 32, height: 32 });
      const byPicture = await index.search({ image: sorted[17]! }, 10);
      expect(byPicture.map(({ path }) => path)).toEqual(truth(vectors[17]!));
      expect([byPicture[0]!.path, byPicture[0]!.score]).toEqual([sorted[17], expect.closeTo(1, 5)]);
      await index.close();
      index = await PictureIndex.open(at, dream, "loud");
      expect(index.count).toBe(150);
    }
    await index.close();
  });

  it("embeds what is new or changed, drops what is gone, and tells what is broken", async () => {
    const paths = await many(5);
    const index = await PictureIndex.open(at, dream, "loud");
    await index.update(folder);
    expect(await index.update(folder)).toMatchObject({ added: 0, unchanged: 5 });
    rmSync(paths[0]!);
    utimesSync(paths[1]!, 1, 1);
    writeFileSync(join(folder, "none.jpg"), "no picture");
    writeFileSync(join(folder, "note.txt"), "left alone");
    const cut = await paint("cut.png", [1, 2, 3]);
    writeFileSync(
      cut,
      (
        await encodePng({ width: 32, height: 32, data: new Uint8Array(3072).map((_, i) => i % 251) })
      ).subarray(0, 200),
    );
    const report = await index.update(folder);
    expect(report).toMatchObject({ added: 1, unchanged: 3, removed: 1 });
    expect(report.broken.map(({ path }) => path).sort()).toEqual([cut, join(folder, "none.jpg")]);
    expect(index.count).toBe(4);
    expect((await index.search({ text: "a red circle" }, 10)).map(({ path }) => path)).not.toContain(
      paths[0],
    );
    // Another folder's pictures are none of this one's.
    const other = mkdtempSync(join(tmpdir(), "dream-pictures-"));
    cpSync(paths[2]!, join(other, "copy.png"));
    expect(await index.update(other)).toMatchObject({ added: 1, removed: 0 });
    expect(index.count).toBe(5);
    await index.close();
  });

  it("stops where it is told to, keeps what it has, and goes on there", async () => {
    await many(200);
    const index = await PictureIndex.open(at, dream, "loud");
    const stop = new AbortController();
    await expect(
      index.update(folder, { signal: stop.signal, onProgress: () => stop.abort() }),
    ).rejects.toThrow(/aborted/);
    expect(index.count).toBe(64);
    expect(await index.update(folder)).toMatchObject({ added: 136, unchanged: 64 });
    await index.close();
  });

  it("is of one model, and says so; and is nothing where there is none", async () => {
    await many(2);
    const index = await PictureIndex.open(at, dream, "loud");
    await index.update(folder);
    await index.close();
    expect(await PictureIndex.describe(at)).toMatchObject({ model: "loud", width: 32 });
    const other = await Dream.load(await loudRun("scenes-test", ["seed=99"]), { device: "cpu" });
    await expect(PictureIndex.open(at, other, "other")).rejects.toThrow(
      /the model that its vectors are of, loud/,
    );
    await other.dispose();
    await expect(PictureIndex.describe(folder)).rejects.toThrow(DreamError);
    const empty = await PictureIndex.open(join(at, "..", "empty"), dream, "loud");
    expect(await empty.search({ text: "a red circle" }, 3)).toEqual([]);
    await empty.close();
  });
});
