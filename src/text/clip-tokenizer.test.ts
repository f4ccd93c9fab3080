import { truncateSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { folderOf, readOriginals, repairedOtherwise, unpack } from "../../test/fixtures/text/originals.js";
import { ClipTokenizer } from "./clip-tokenizer.js";
import { longestCaptionCharacters } from "./tokenizer.js";

const definition = JSON.parse(unpack("clip.json.gz").toString("utf8"));
const folder = folderOf({ "tokenizer.json": JSON.stringify(definition) });
const start = definition.model.vocab["<|startoftext|>"] as number;
const end = definition.model.vocab["<|endoftext|>"] as number;

/** The folder's file with parts of it replaced. */
function changed(parts: object): string {
  return folderOf({ "tokenizer.json": JSON.stringify({ ...definition, ...parts }) });
}

function changedModel(parts: object): string {
  return changed({ model: { ...definition.model, ...parts } });
}

describe("CLIP's tokenizer", () => {
  const originals = readOriginals();

  it("equals CLIP's own code on 5,000 captions, those aside whose mojibake it repairs otherwise", () => {
    const tokenizer = ClipTokenizer.open(folder, 130);
    const different = originals.captions.flatMap((caption, i) => {
      const [count, ...ids] = originals.clip[i]!;
      const row = count > 130 ? [...ids.slice(0, 129), end] : ids;
      const ours = tokenizer.encode(caption);
      const same = row.every((id, at) => ours[at] === id) && ours.slice(row.length).every((id) => id === 0);
      return same && tokenizer.countTokens(caption) === count ? [] : [i];
    });
    expect(different).toEqual(repairedOtherwise);
  });

  it("equals Hugging Face's fast tokenizer on 5,000 captions", () => {
    const tokenizer = ClipTokenizer.open(folder, 130, { kind: "hugging-face" });
    const different = originals.captions.flatMap((caption, i) => {
      const [count, ...ids] = originals.huggingFace[i]!;
      const row = count > 130 ? [...ids.slice(0, 129), end] : ids;
      const ours = tokenizer.encode(caption);
      const same = row.every((id, at) => ours[at] === id) && ours.slice(row.length).every((id) => id === end);
      return same && tokenizer.countTokens(caption) === count ? [] : [i];
    });
    expect(different).toEqual([]);
    expect(originals.newerMarks.length).toBe(25);
  });

  it("ends a full row with the end token, or as CLIP's own code does without", () => {
    const long = "one two three four five six seven eight nine ten";
    const kept = ClipTokenizer.open(folder, 6).encode(long);
    const cut = ClipTokenizer.open(folder, 6, { kind: "original", overlong: "cut" }).encode(long);
    expect([kept[0], kept[5]]).toEqual([start, end]);
    expect(cut.slice(0, 5)).toEqual(kept.slice(0, 5));
    expect(cut[5]).not.toBe(end);
    for (const overlong of ["cut", "end-token-kept"] as const)
      expect(ClipTokenizer.open(folder, 5, { kind: "original", overlong }).encode("")).toEqual([
        start,
        end,
        0,
        0,
        0,
      ]);
  });

  it("reads vocab.json and merges.txt alike", () => {
    const merges = ["#version: 0.2", ...definition.model.merges, ""].join("\n");
    const parts = folderOf({ "vocab.json": JSON.stringify(definition.model.vocab), "merges.txt": merges });
    const [whole, split] = [ClipTokenizer.open(folder, 77), ClipTokenizer.open(parts, 77)];
    for (const caption of originals.captions.slice(0, 300))
      expect(split.encode(caption)).toEqual(whole.encode(caption));
    expect(split.vocabularySize).toBe(whole.vocabularySize);
  });

  it("takes the padding token that Hugging Face's files name", () => {
    const padded = folderOf({
      "tokenizer.json": JSON.stringify(definition),
      "special_tokens_map.json": JSON.stringify({ pad_token: { content: "!" } }),
    });
    const row = ClipTokenizer.open(padded, 4, { kind: "hugging-face" }).encode("");
    expect(row).toEqual([start, end, definition.model.vocab["!"], definition.model.vocab["!"]]);
  });

  it("takes an added token for what it is, whatever signs it has", () => {
    const name = "<[a-z]+(.*)|\\^$/{2}?->";
    const added = [...definition.added_tokens, { id: end + 1, content: name, lstrip: true }];
    const tokenizer = ClipTokenizer.open(changed({ added_tokens: added }), 5, { kind: "hugging-face" });
    expect(tokenizer.encode(`!  ${name}`)).toEqual([
      start,
      definition.model.vocab["!</w>"],
      end + 1,
      end,
      end,
    ]);
    expect(tokenizer.vocabularySize).toBe(end + 2);
  });

  it("gives a whole row of known ids for any text, lone surrogates too", () => {
    const tokenizer = ClipTokenizer.open(folder, 77);
    const ofUnits = fc
      .array(fc.integer({ min: 0, max: 0xffff }))
      .map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(fc.oneof(ofUnits, fc.string({ unit: "binary" })), (caption) => {
        const row = tokenizer.encode(caption);
        expect(row.length).toBe(77);
        expect(row.every((id) => id >= 0 && id < tokenizer.vocabularySize)).toBe(true);
        expect(row.includes(end)).toBe(true);
      }),
    );
    expect(tokenizer.encode("a\ud800b")).toEqual(tokenizer.encode("a\ufffdb"));
  });

  it("refuses a caption without end", () => {
    const tokenizer = ClipTokenizer.open(folder, 77);
    expect(tokenizer.encode("a".repeat(longestCaptionCharacters)).length).toBe(77);
    expect(() => tokenizer.encode("a".repeat(10_000_000))).toThrow(/at most 20000 characters, got 10000000/);
  });
});

describe("a damaged CLIP tokenizer", () => {
  const { vocab, merges } = definition.model;
  it.each([
    ["nothing", folderOf({}), /tokenizer\.json, or vocab\.json and merges\.txt/],
    ["no merges", folderOf({ "vocab.json": "{}" }), /vocab\.json and merges\.txt/],
    ["no JSON", folderOf({ "tokenizer.json": "{" }), /tokenizer\.json: expected JSON/],
    ["a list", folderOf({ "tokenizer.json": "[]" }), /the file to be an object/],
    ["another model", changedModel({ type: "WordPiece" }), /a BPE model/],
    ["no suffix", changedModel({ end_of_word_suffix: null }), /words end in <\/w>/],
    ["a vocabulary of texts", changedModel({ vocab: { a: "b" } }), /the id of "a" to be a whole number/],
    [
      "an id that is no index",
      changedModel({ vocab: { ...vocab, x: 4e9 } }),
      /the id of "x".*got 4000000000/,
    ],
    ["an id used twice", changedModel({ vocab: { ...vocab, doubled: 0 } }), /an id for each/],
    ["a merge of three", changedModel({ merges: [...merges, "a b c"] }), /to join two tokens, got "a b c"/],
    ["a merge of numbers", changedModel({ merges: [[1, 2]] }), /merges\[0\] to be text, got 1/],
    ["a merge of strangers", changedModel({ merges: [...merges, "qq zz"] }), /a vocabulary with "qq"/],
    ["merges that are none", changedModel({ merges: 3 }), /model\.merges to be a list/],
    [
      "no end",
      changed({ added_tokens: [], model: { ...definition.model, vocab: { a: 0 }, merges: [] } }),
      /a vocabulary with "<\|endoftext\|>"/,
    ],
    [
      "an empty added token",
      changed({ added_tokens: [{ id: 1, content: "" }] }),
      /names of 1 to at most 256/,
    ],
    [
      "too many added tokens",
      changed({ added_tokens: Array(5000).fill({ id: 1, content: "x" }) }),
      /at most 4096 tokens/,
    ],
    [
      "an added token without end",
      changed({ added_tokens: [{ id: 1, content: "x".repeat(300) }] }),
      /at most 256/,
    ],
    [
      "a token of single words",
      changed({ added_tokens: [{ id: 1, content: "x", single_word: true }] }),
      /single_word/,
    ],
  ])("with %s is refused, and the file named", (_, damaged, message) => {
    expect(() => ClipTokenizer.open(damaged, 77)).toThrow(message);
    expect(() => ClipTokenizer.open(damaged, 77)).toThrow(damaged);
  });

  it("is not read where it is too large", () => {
    const large = folderOf({ "tokenizer.json": "" });
    truncateSync(join(large, "tokenizer.json"), 65 * 2 ** 20);
    expect(() => ClipTokenizer.open(large, 77)).toThrow(/at most 64 MB/);
  });

  it("is not opened for a row that has no room", () => {
    expect(() => ClipTokenizer.open(folder, 1)).toThrow(/at least 2 ids/);
  });
});
