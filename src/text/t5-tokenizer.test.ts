import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CountedIds, folderOf, readOriginals, unpack } from "../../test/fixtures/text/originals.js";
import { ReplacementMap } from "./replacement-map.js";
import { T5Tokenizer } from "./t5-tokenizer.js";
import { longestCaptionCharacters } from "./tokenizer.js";

const definition = JSON.parse(unpack("t5.json.gz").toString("utf8"));
const model = unpack("spiece.model.gz");
const folder = folderOf({ "tokenizer.json": JSON.stringify(definition) });
const [padding, end] = [0, 1];

function changed(parts: object): string {
  return folderOf({ "tokenizer.json": JSON.stringify({ ...definition, ...parts }) });
}

function changedModel(parts: object): string {
  return changed({ model: { ...definition.model, ...parts } });
}

describe("T5's tokenizer", () => {
  const originals = readOriginals();

  /** The captions whose row or count differs. */
  function differences(tokenizer: T5Tokenizer, expected: readonly CountedIds[]): number[] {
    return originals.captions.flatMap((caption, i) => {
      const [count, ...ids] = expected[i]!;
      const row = count > 130 ? [...ids.slice(0, 129), end] : ids;
      const ours = tokenizer.encode(caption);
      const same =
        row.every((id, at) => ours[at] === id) && ours.slice(row.length).every((id) => id === padding);
      return same && tokenizer.countTokens(caption) === count ? [] : [i];
    });
  }

  it("equals the Rust original on 5,000 captions", () => {
    expect(differences(T5Tokenizer.open(folder, 130), originals.t5)).toEqual([]);
  });

  it("reads SentencePiece's own file, and equals transformers' conversion of it", () => {
    const converted = T5Tokenizer.open(folderOf({ "spiece.model": model }), 130);
    expect(differences(converted, originals.spiece)).toEqual([]);
    expect(converted.vocabularySize).toBe(definition.model.vocab.length);
  });

  it("makes of the empty caption an end token, and cuts a long one before its end token", () => {
    const tokenizer = T5Tokenizer.open(folder, 4);
    for (const empty of ["", "  ", "\n\t"])
      expect(tokenizer.encode(empty)).toEqual([end, padding, padding, padding]);
    const row = tokenizer.encode("a red house in the rain at sunset");
    expect(row[3]).toBe(end);
    expect(row.slice(0, 3)).toEqual(
      T5Tokenizer.open(folder, 128).encode("a red house in the rain at sunset").slice(0, 3),
    );
  });

  it("gives a whole row of known ids for any text, lone surrogates too", () => {
    const tokenizer = T5Tokenizer.open(folder, 32);
    const ofUnits = fc
      .array(fc.integer({ min: 0, max: 0xffff }))
      .map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(fc.oneof(ofUnits, fc.string({ unit: "binary" })), (caption) => {
        const row = tokenizer.encode(caption);
        expect(row.length).toBe(32);
        expect(row.every((id) => id >= 0 && id < tokenizer.vocabularySize)).toBe(true);
        expect(row.includes(end)).toBe(true);
      }),
    );
    expect(tokenizer.encode("a\ud800b")).toEqual(tokenizer.encode("a\ufffdb"));
  });

  it("refuses a caption without end", () => {
    const tokenizer = T5Tokenizer.open(folder, 32);
    expect(tokenizer.encode("a".repeat(longestCaptionCharacters)).length).toBe(32);
    expect(() => tokenizer.countTokens("a".repeat(10_000_000))).toThrow(/at most 20000 characters/);
  });
});

describe("a damaged T5 tokenizer", () => {
  const map = (charsmap: unknown) =>
    changed({ normalizer: { type: "Precompiled", precompiled_charsmap: charsmap } });
  const nested = { type: "Sequence", normalizers: [definition.normalizer] };
  it.each([
    ["nothing", folderOf({}), /tokenizer\.json or spiece\.model/],
    ["byte pairs", changedModel({ type: "BPE" }), /a Unigram model/],
    ["pieces without score", changedModel({ vocab: [["a"]] }), /a piece and its score/],
    ["pieces that are numbers", changedModel({ vocab: [[1, 2]] }), /model\.vocab\[0\] to be text/],
    [
      "pieces without end",
      changedModel({ vocab: [["a".repeat(3e6), 0]], unk_id: 0 }),
      /at most 2097152 letters/,
    ],
    ["an unknown piece outside", changedModel({ unk_id: 99999 }), /unk_id under/],
    ["no unknown piece", changedModel({ unk_id: null }), /model\.unk_id to be a whole number/],
    [
      "no end",
      changed({ added_tokens: [], model: { ...definition.model, vocab: [["a", 0]], unk_id: 0 } }),
      /<\/s>/,
    ],
    ["a map of numbers", map(3), /precompiled_charsmap to be text/],
    ["an empty map", map(""), /a character map that holds its trie/],
    ["a map cut short", map(Buffer.from([255, 255, 255, 127, 0]).toString("base64")), /that holds its trie/],
    [
      "normalizers within normalizers",
      changed({ normalizer: { type: "Sequence", normalizers: [nested] } }),
      /flat list/,
    ],
    ["another normalizer", changed({ normalizer: { type: "NFD" } }), /T5's normalizers/],
    ["another pre-tokenizer", changed({ pre_tokenizer: { type: "ByteLevel" } }), /T5's pre_tokenizer/],
    ["a model cut short", folderOf({ "spiece.model": model.subarray(0, 5000) }), /more bytes/],
    ["a model of noise", folderOf({ "spiece.model": Buffer.alloc(64, 0xff) }), /64 bits/],
  ])("with %s is refused, and the file named", (_, damaged, message) => {
    expect(() => T5Tokenizer.open(damaged, 77)).toThrow(message);
    expect(() => T5Tokenizer.open(damaged, 77)).toThrow(damaged);
  });

  it("never throws anything but an error that names the file, wherever its bytes are changed", () => {
    const target = folderOf({ "spiece.model": model });
    fc.assert(
      fc.property(fc.nat(2000), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bytes = Uint8Array.from(model);
        bytes[at] = byte;
        writeFileSync(join(target, "spiece.model"), bytes);
        try {
          T5Tokenizer.open(target, 8).encode("a red house");
        } catch (error) {
          expect(error).toMatchObject({ name: "DreamError", operation: expect.stringContaining(target) });
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("a character map", () => {
  /** @param units of the trie @param replacements behind it */
  const bytesOf = (units: readonly number[], replacements: string): Uint8Array => {
    const head = new Uint8Array(Uint32Array.from([units.length * 4, ...units]).buffer);
    return Buffer.concat([head, Buffer.from(replacements)]);
  };

  it("whose leaf points outside its replacements is refused", () => {
    expect(() => new ReplacementMap("x.json", bytesOf([0x80000009], "a\0"))).toThrow(
      /x\.json.*within 2 bytes/,
    );
  });

  it("whose trie leads outside itself is refused when a text leads there", () => {
    const astray = new ReplacementMap("x.json", bytesOf([0x7ffffc00 >>> 0], "a\0"));
    expect(() => astray.apply("a")).toThrow(/x\.json.*a trie of 1 units/);
  });

  it("answers any bytes with text or with an error that names the file", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(0x7fffffff), { minLength: 1 }),
        fc.string({ unit: "binary" }),
        (units, text) => {
          try {
            expect(typeof new ReplacementMap("x.json", bytesOf(units, "a\0")).apply(text)).toBe("string");
          } catch (error) {
            expect(error).toMatchObject({ name: "DreamError", operation: "read x.json" });
          }
        },
      ),
    );
  });
});
