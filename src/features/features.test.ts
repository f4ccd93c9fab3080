import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Generator, randn, scope, zeros } from "../tensor/index.js";
import { WordTokenizer } from "../text/words.js";
import { FeatureTable, wordIds } from "./feature-table.js";
import { PatchCodec, picturesOf, pixelsOf } from "./patch-codec.js";

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

describe("words", () => {
  const tokenizer = WordTokenizer.fromCaptions(["a red circle", "a blue circle"], 6);

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
    const table = new FeatureTable(zeros([2, 3, 1, 1]).add(1), ["a red circle", "a blue circle"], tokenizer);
    const { captionIds, latents } = table.batch([1, 0, 1]);
    expect(latents.shape).toEqual([3, 3, 1, 1]);
    expect(captionIds.toNumbers()).toEqual(
      wordIds(tokenizer, ["a blue circle", "a red circle", "a blue circle"]).toNumbers(),
    );
    expect(table.emptyCaption.toNumbers()).toEqual(tokenizer.encode(""));
  });
});
