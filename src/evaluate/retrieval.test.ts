import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tinyGroup, tinyModel } from "../../test/tiny.js";
import { recordedUnderstanding } from "../../test/understanding.js";
import { eye, Generator, randn, scope, tensor, zeros } from "../tensor/index.js";
import { retrieval } from "./held-out.js";
import { firstRightPlaces, recall } from "./retrieval.js";

const { width, captions, images, texts, imageToText, textToImage } = recordedUnderstanding.retrieval;

describe("retrieval", () => {
  it("finds the places that numpy's stable sort gives, equal scores and repeated captions included", () => {
    expect(new Set(captions).size).toBeLessThan(captions.length);
    scope(() => {
      const [pictures, sentences] = [images, texts].map((values) => tensor(values, [captions.length, width]));
      expect(firstRightPlaces(pictures!, sentences!, captions)).toEqual(imageToText);
      expect(firstRightPlaces(sentences!, pictures!, captions)).toEqual(textToImage);
    });
  });

  it("gives the first of equals their turn, so that embeddings that are all alike win by chance alone", () => {
    scope(() => {
      const same = zeros([40, 3]).add(1);
      const names = Array.from({ length: 40 }, (_, i) => `caption ${i}`);
      const places = firstRightPlaces(same, same, names);
      expect(places).toEqual([...Array(40).keys()]);
      expect([1, 5, 10].map((nearest) => recall(places, nearest))).toEqual([1 / 40, 5 / 40, 10 / 40]);
    });
  });

  it("does not depend on how many pictures are compared at a time", () => {
    scope(() => {
      const generator = Generator.fromSeed(3);
      // Enough of them for several chunks.
      const [n, shown] = [3600, 60];
      const names = Array.from({ length: n }, (_, i) => `caption ${i}`);
      const pictures = randn([n, 4], { generator });
      const sentences = randn([n, 4], { generator });
      const places = firstRightPlaces(pictures, sentences, names);
      expect(places.length).toBe(n);
      const last = pictures.narrow(0, n - shown, shown).mm(sentences.t());
      for (let i = 0; i < shown; i++) {
        const scores = last.select(0, i).toNumbers();
        const own = scores[n - shown + i]!;
        expect(Math.abs(places[n - shown + i]! - scores.filter((score) => score > own).length)).toBeLessThan(
          2,
        );
      }
    });
  });

  it("finds every caption that is its picture's own embedding", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 30 }), (numbers) => {
        scope(() => {
          const at = tensor(numbers, [numbers.length], { dtype: "int64" });
          const embedded = eye(6).indexSelect(0, at);
          const places = firstRightPlaces(embedded, embedded, numbers.map(String));
          expect(places).toEqual(numbers.map(() => 0));
        });
      }),
      { numRuns: 20 },
    );
  });

  it("refuses embeddings that are no numbers, or not as many as captions", () => {
    scope(() => {
      const good = zeros([2, 3]);
      expect(() => firstRightPlaces(good.add(Number.NaN), good, ["a", "b"])).toThrow(/finite/);
      expect(() => firstRightPlaces(good, zeros([3, 3]), ["a", "b"])).toThrow(/2 captions/);
    });
  });

  it("of a batch counts captions that read alike as the same", () => {
    scope(() => {
      const model = tinyModel();
      const { latents, captionIds, captions: told } = tinyGroup(6, 0, 5);
      const alike = captionIds.narrow(0, 0, 1).repeat([6, 1]);
      expect(retrieval(model, { latents, captionIds: alike, captions: told })).toEqual({
        imageToText: 1,
        textToImage: 1,
      });
      const { imageToText: found } = retrieval(model, { latents, captionIds, captions: told });
      expect(found).toBeLessThan(1);
      model.dispose();
    });
  });
});
