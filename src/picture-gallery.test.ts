import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodePng } from "./formats/images.js";
import { PictureGallery } from "./picture-gallery.js";

const picture = { width: 4, height: 4, data: new Uint8Array(48).fill(9) };
const from = (prompt: string) =>
  ({
    prompt,
    seed: 1,
    drawing: {
      choice: { kind: "plain" },
      sampling: {
        steps: 8,
        guidance: { kind: "linear", scale: 3 },
        guidanceEvery: 1,
        temperature: 1,
        tokens: { method: "ancestral", diffusionSteps: null },
      },
      negative: undefined,
    },
  }) as const;

const folder = (): string => join(mkdtempSync(join(tmpdir(), "dream-gallery-")), "pictures");

describe("the gallery", () => {
  it("lists what it keeps, the newest first, a page at a time, also after it is opened again", async () => {
    const where = folder();
    const gallery = await PictureGallery.open(where);
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) {
      ids.push(await gallery.keep({ picture, candidateScores: [], chosen: 0 }, from(`picture ${i}`)));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const again = await PictureGallery.open(where);
    const first = await again.list(4, null);
    expect(first.map(({ id }) => id)).toEqual(ids.slice(3).reverse());
    expect(first[0]!.record).toMatchObject({ prompt: "picture 6", seed: 1 });
    const rest = await again.list(4, first.at(-1)!.id);
    expect(rest.map(({ id }) => id)).toEqual(ids.slice(0, 3).reverse());
    expect(await again.remove(ids[0]!)).toBe(true);
    expect(await again.remove(ids[0]!)).toBe(false);
    expect(await again.list(10, null)).toHaveLength(6);
  });

  it("drops what was left half-written, and touches nothing else that lies there", async () => {
    const where = folder();
    await PictureGallery.open(where);
    writeFileSync(join(where, "20260101T000000000-00000000.png.123.partial"), "half");
    writeFileSync(join(where, "holiday.png"), await encodePng(picture));
    const gallery = await PictureGallery.open(where);
    expect(readdirSync(where)).toEqual(["holiday.png"]);
    expect(await gallery.list(10, null)).toEqual([]);
    for (const id of ["holiday", "../pictures/holiday", "..", "", "20260101T000000000-0000000g"]) {
      expect(await gallery.read(id)).toBeNull();
      expect(await gallery.remove(id)).toBe(false);
    }
  });

  it("says where it cannot be", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "dream-gallery-")), "file");
    writeFileSync(file, "");
    await expect(PictureGallery.open(join(file, "below"))).rejects.toMatchObject({ code: "io" });
  });
});
