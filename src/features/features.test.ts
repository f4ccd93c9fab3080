import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SampleText } from "../data/sample.js";
import { Generator, randn, scope, tensor, zeros } from "../tensor/index.js";
import { WordTokenizer } from "../text/words.js";
import { FeatureTable } from "./feature-table.js";
import { PatchCodec } from "./patch-codec.js";
import { picturesOf, pixelsOf } from "./pixels.js";
import { type Augmentation, StepDraws } from "./step-draws.js";
import { T5Captions } from "./t5-captions.js";
import { VaeCodec } from "./vae-codec.js";
import { WordCaptions } from "./word-captions.js";

/** Smooth pictures, as pictures are: neighbouring pixels alike. */
const pixels = scope(() =>
  randn([64, 3, 4, 4], { generator: Generator.fromSeed(1) })
    .repeatInterleave(4, 2)
    .repeatInterleave(4, 3)
    .mul(0.3)
    .clamp(-1, 1),
);

describe("the patch codec", () => {
  it("whitens: every number has mean 0 and variance 1, and no two go together", () => {
    const codec = PatchCodec.fit(pixels, { patch: 4, components: 3, whitening: 1 });
    const rows = codec.encode(pixels).permute([0, 2, 3, 1]).reshape([-1, 3]);
    const covariance = rows.t().mm(rows).div(rows.size(0)).toNumbers();
    for (const [i, value] of covariance.entries()) expect(value).toBeCloseTo(i % 4 === 0 ? 1 : 0, 3);
    for (const mean of rows.mean(0).toNumbers()) expect(mean).toBeCloseTo(0, 4);
  });

  it("leaves the variances in proportion where it does not whiten, their mean at 1", () => {
    const spread = (whitening: number): number => {
      const codec = PatchCodec.fit(pixels, { patch: 4, components: 3, whitening });
      const rows = codec.encode(pixels).permute([0, 2, 3, 1]).reshape([-1, 3]);
      const variances = rows.square().mean(0).toNumbers();
      expect(variances.reduce((sum, one) => sum + one, 0) / 3).toBeCloseTo(1, 3);
      expect(codec.decode(codec.encode(pixels)).sub(pixels).abs().amax().item()).toBeLessThan(1e-4);
      return Math.max(...variances) / Math.min(...variances);
    };
    expect(spread(0)).toBeGreaterThan(1.02);
    expect(spread(0.5)).toBeCloseTo(Math.sqrt(spread(0)), 3);
  });

  it("gives back what its components can say, after a way through a file too", async () => {
    const codec = PatchCodec.fit(pixels, { patch: 4, components: 3, whitening: 1 });
    expect(codec.keptVariance).toBeCloseTo(1, 6);
    const path = join(mkdtempSync(join(tmpdir(), "dream-codec-")), "codec.safetensors");
    await codec.save(path);
    const loaded = PatchCodec.load(path);
    const apart = loaded.decode(loaded.encode(pixels)).sub(pixels).abs().amax().item();
    expect(apart).toBeLessThan(1e-4);
  });

  it("turns pictures to pixels and back without loss", () => {
    const picture = { width: 4, height: 2, data: Uint8Array.from({ length: 24 }, (_, i) => i * 10) };
    expect(picturesOf(pixelsOf([picture, picture]))[1]).toEqual(picture);
    expect(() => pixelsOf([picture, { ...picture, width: 2, height: 4 }])).toThrow(/pictures of 4 x 2/);
  });
});

describe("what is drawn by chance for a step", () => {
  it("is the same for the same seed and step, and other for others", () => {
    const drawn = (seed: number, step: number): number[] => {
      const draws = new StepDraws(seed, step, 0, 40);
      const flips = draws.flips(0.5).map(Number);
      return [...flips, ...draws.noise([3]).toNumbers()];
    };
    expect(drawn(1, 7)).toEqual(drawn(1, 7));
    for (const other of [drawn(2, 7), drawn(1, 8)]) expect(other).not.toEqual(drawn(1, 7));
  });

  it("is the same for a sample whoever takes its part of the batch", () => {
    const noise = (first: number, count: number): number[] =>
      new StepDraws(1, 7, first, count).noise([3]).toNumbers();
    expect([...noise(0, 2), ...noise(2, 3)]).toEqual(noise(0, 5));
  });

  it("shows the middle, or another part each time where parts are drawn", () => {
    const views = (crop: Augmentation["crop"], step: number) =>
      new StepDraws(1, step, 0, 20).views({ flip: 0.5, crop });
    const kinds = views({ kind: "centre" }, 1).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["centre", "centre-flipped"]));
    const parts = { kind: "random-resized", scale: [0.2, 1], ratio: [0.75, 1.25] } as const;
    expect(views(parts, 1)).toEqual(views(parts, 1));
    expect(views(parts, 1)).not.toEqual(views(parts, 2));
    const seeds = views(parts, 1).map((view) => ("seed" in view ? view.seed : -1));
    expect(new Set(seeds).size).toBe(20);
  });

  it("turns as many pictures as were asked for", () => {
    const share = (flip: number): number =>
      new StepDraws(1, 1, 0, 2000).flips(flip).filter(Boolean).length / 2000;
    expect(share(0)).toBe(0);
    expect(share(1)).toBe(1);
    expect(share(0.3)).toBeGreaterThan(0.26);
    expect(share(0.3)).toBeLessThan(0.34);
  });
});

describe("a codec or a reader without its frozen model", () => {
  it("says so where the model is needed, and makes latents of what was encoded", () => {
    const codec = new VaeCodec("closed", 0.5, { stride: 8, channels: 1 }, null);
    expect(() => codec.encode(pixels)).toThrow(/opened without them/);
    const moments = tensor([3, Math.log(4)], [1, 2, 1, 1]);
    expect(codec.latents(moments, null).toNumbers()).toEqual([1.5]);
    expect(codec.latents(moments, tensor([1], [1, 1, 1, 1])).item()).toBeCloseTo(0.5 * (3 + 2), 5);
    const captions = new T5Captions("closed", tokenizer, tokenizer, null, { clip: "", t5: "" });
    expect(() => captions.told(["a red circle"])).toThrow(/opened without them/);
    expect(captions.ids(["a red circle"]).shape).toEqual([1, 6]);
  });
});

const tokenizer = WordTokenizer.fromCaptions(["a red circle", "a blue circle"], 6);

describe("words", () => {
  it("have ids by frequency, between start and end, with zeros behind", () => {
    expect(tokenizer.words).toEqual(["a", "circle", "blue", "red"]);
    const [start, end] = [tokenizer.vocabularySize - 2, tokenizer.vocabularySize - 1];
    expect(tokenizer.encode("A red, circle!")).toEqual([start, 2, 5, 3, end, 0]);
    expect(tokenizer.encode("")).toEqual([start, end, 0, 0, 0, 0]);
    expect(tokenizer.encode("one green circle")).toEqual([start, 1, 1, 3, end, 0]);
    expect(tokenizer.unknownWords("a green circle")).toEqual(["green"]);
  });

  it("keep the end token, the largest id, when cut", () => {
    const ids = tokenizer.encode("a red circle a blue circle a red circle");
    expect(ids).toHaveLength(6);
    expect(ids.at(-1)).toBe(Math.max(...ids));
  });

  it("go into batches with their pictures", () => {
    const reader = new WordCaptions(tokenizer);
    const sample = (caption: string, label: number | null): SampleText => ({
      ...{ key: caption, caption, captions: [caption], label, truth: null },
    });
    const table = new FeatureTable(
      zeros([2, 3, 1, 1]).add(1),
      [sample("a red circle", 4), sample("a blue circle", 2)],
      reader,
    );
    const { captionIds, latents, classes } = table.batch([1, 0, 1]);
    expect(classes?.toNumbers()).toEqual([2, 4, 2]);
    expect(latents.shape).toEqual([3, 3, 1, 1]);
    expect(captionIds.toNumbers()).toEqual(
      reader.ids(["a blue circle", "a red circle", "a blue circle"]).toNumbers(),
    );
    expect(table.emptyCaption.toNumbers()).toEqual(tokenizer.encode(""));
  });
});
