import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { letterCaptions } from "../../test/letter-captions.js";
import { tinyModel } from "../../test/tiny.js";
import { scope } from "../tensor/index.js";
import { classEmbeddings, nameAlone, readTemplates, sentencesOf, usualTemplates } from "./class-sentences.js";

describe("class sentences", () => {
  it("hold the name wherever the template wants it, letter for letter", () => {
    expect(sentencesOf("cat", ["a {}", "{} and {}"])).toEqual(["a cat", "cat and cat"]);
    expect(sentencesOf("$&", nameAlone)).toEqual(["$&"]);
    for (const template of usualTemplates) expect(template.split("{}").length).toBe(2);
  });

  it("are embedded, averaged and brought to unit length", () => {
    scope(() => {
      const model = tinyModel();
      const towers = { model, captions: letterCaptions };
      const templates = ["a {}", "one {} here"];
      const found = classEmbeddings(towers, ["dog", "cat"], templates);
      const one = (sentence: string) => classEmbeddings(towers, [sentence], nameAlone).toNumbers();
      const [a, b] = [one("a cat"), one("one cat here")];
      expect(Math.hypot(...a)).toBeCloseTo(1, 5);
      const mean = a.map((value, i) => (value + b[i]!) / 2);
      expect(Math.hypot(...mean)).toBeLessThan(0.9999);
      const second = found.select(0, 1).toNumbers();
      for (const [i, value] of mean.entries()) expect(second[i]).toBeCloseTo(value / Math.hypot(...mean), 5);
      model.dispose();
    });
  });

  it("are the same however many are embedded at a time", () => {
    scope(() => {
      const model = tinyModel();
      const towers = { model, captions: letterCaptions };
      const names = Array.from({ length: 300 }, (_, i) => `thing ${i}`);
      const last = classEmbeddings(towers, names, nameAlone).select(0, 299).toNumbers();
      const alone = classEmbeddings(towers, [names[299]!], nameAlone).toNumbers();
      for (const [i, value] of alone.entries()) expect(last[i]).toBeCloseTo(value, 5);
      model.dispose();
    });
  });

  it("are read from a file, line by line", () => {
    const path = join(mkdtempSync(join(tmpdir(), "dream-sentences-")), "sentences.txt");
    writeFileSync(path, "a {}\r\n\n  the {} \n");
    expect(readTemplates(path)).toEqual(["a {}", "the {}"]);
    writeFileSync(path, "a {}\na photo\n");
    expect(() => readTemplates(path)).toThrow(/"a photo" in line 2/);
    writeFileSync(path, "\n");
    expect(() => readTemplates(path)).toThrow(/at least one sentence/);
    expect(() => readTemplates(`${path}.gone`)).toThrow(/read sentences for class names from .*gone/);
  });
});
