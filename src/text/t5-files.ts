/**
 * @file T5's vocabulary: SentencePiece unigrams in a Hugging Face folder, from `tokenizer.json`, or from `spiece.model` where there
 * is none.
 */
import { type AddedToken, boundedTokens, readAddedTokens } from "./added-tokens.js";
import { ReplacementMap } from "./replacement-map.js";
import { readSentencePieceModel } from "./sentence-piece-model.js";
import {
  brief,
  type JsonObject,
  list,
  malformed,
  noTokenizer,
  object,
  readFile,
  readJson,
  text,
  tokenId,
} from "./tokenizer-files.js";

/** One change of a text before it is cut. */
export type Change =
  | { readonly kind: "map"; readonly map: ReplacementMap }
  | { readonly kind: "strip"; readonly ends: "both" | "left" | "right" | "neither" }
  /** Runs of two and more blanks become one word mark. */
  | { readonly kind: "collapse-blanks" };

export interface T5Files {
  readonly path: string;
  /** Pieces with their logarithmic probability; a piece's place is its id. */
  readonly pieces: readonly (readonly [string, number])[];
  readonly unknownId: number;
  readonly addedTokens: readonly AddedToken[];
  readonly changes: readonly Change[];
  /** Whether words end at all white space, or at blanks alone. */
  readonly words: "white-space" | "blanks";
}

/** The trie of pieces takes memory for every letter; the largest vocabularies in use have a million and a half. */
const mostLetters = 2 ** 21;

/** @throws DreamError `io` where there is neither file; `format` where one is damaged or is no T5 tokenizer's */
export function readT5Files(folder: string): T5Files {
  const files = readEither(folder);
  const letters = files.pieces.reduce((sum, [piece]) => sum + piece.length, 0);
  if (letters > mostLetters)
    throw malformed(files.path, `at most ${mostLetters} letters of pieces`, `${letters}`);
  return files;
}

function readEither(folder: string): T5Files {
  const whole = readJson(folder, "tokenizer.json");
  if (whole !== undefined) return fromJson(whole.path, whole.json);
  const model = readFile(folder, "spiece.model");
  if (model === undefined) throw noTokenizer(folder, "tokenizer.json or spiece.model");
  return fromSentencePiece(model.path, model.bytes);
}

function fromJson(path: string, json: JsonObject): T5Files {
  const model = object(path, "model", json.model);
  if (model.type !== "Unigram") throw malformed(path, "a Unigram model", brief(model.type));
  const pieces = list(path, "model.vocab", model.vocab).map((value, i) => {
    const what = `model.vocab[${i}]`;
    const [piece, score] = list(path, what, value);
    if (typeof score !== "number") throw malformed(path, `${what} to be a piece and its score`, brief(value));
    return [text(path, what, piece), score] as const;
  });
  const unknownId = tokenId(path, "model.unk_id", model.unk_id);
  if (unknownId >= pieces.length)
    throw malformed(path, `model.unk_id under ${pieces.length}`, String(unknownId));
  return {
    path,
    pieces,
    unknownId,
    addedTokens: readAddedTokens(path, json),
    changes: json.normalizer === null ? [] : readChanges(path, object(path, "normalizer", json.normalizer)),
    words: readWords(path, object(path, "pre_tokenizer", json.pre_tokenizer)),
  };
}

function readChanges(path: string, normaliser: JsonObject): Change[] {
  switch (normaliser.type) {
    case "Sequence":
      return list(path, "normalizer.normalizers", normaliser.normalizers).flatMap((one, i) => {
        const inner = object(path, `normalizer.normalizers[${i}]`, one);
        if (inner.type === "Sequence")
          throw malformed(path, "a flat list of normalizers", "one within another");
        return readChanges(path, inner);
      });
    case "Precompiled": {
      const charsmap = text(path, "precompiled_charsmap", normaliser.precompiled_charsmap);
      return [{ kind: "map", map: new ReplacementMap(path, Buffer.from(charsmap, "base64")) }];
    }
    case "Strip":
      return [{ kind: "strip", ends: endsOf(normaliser) }];
    case "Replace":
      if (brief(normaliser.pattern) === '{"Regex":" {2,}"}' && normaliser.content === "\u2581")
        return [{ kind: "collapse-blanks" }];
  }
  throw malformed(path, "T5's normalizers (Precompiled, Strip, Replace of blanks)", brief(normaliser));
}

function endsOf({ strip_left: left, strip_right: right }: JsonObject): "both" | "left" | "right" | "neither" {
  if (left === true) return right === true ? "both" : "left";
  return right === true ? "right" : "neither";
}

/** T5's older files cut at white space and then mark words, newer ones only mark words. */
function readWords(path: string, preTokenizer: JsonObject): T5Files["words"] {
  const parts =
    preTokenizer.type === "Sequence"
      ? list(path, "pre_tokenizer.pretokenizers", preTokenizer.pretokenizers).map((one, i) =>
          object(path, `pre_tokenizer.pretokenizers[${i}]`, one),
        )
      : [preTokenizer];
  const kinds = parts.map(({ type }) => String(type)).join(", ");
  const mark = parts.at(-1);
  const isT5 =
    mark?.replacement === "\u2581" &&
    (mark.prepend_scheme ?? "always") === "always" &&
    mark.add_prefix_space !== false;
  if (isT5 && kinds === "WhitespaceSplit, Metaspace") return "white-space";
  if (isT5 && kinds === "Metaspace" && mark.split !== false) return "blanks";
  throw malformed(path, "T5's pre_tokenizer (WhitespaceSplit and Metaspace)", brief(preTokenizer));
}

/** T5 has a hundred marks for gaps behind its pieces, the last one first. */
const gapMarks = 100;

function fromSentencePiece(path: string, bytes: Uint8Array): T5Files {
  const { pieces, characterMap } = readSentencePieceModel(path, bytes);
  const unknownId = pieces.findIndex(({ kind }) => kind === "unknown");
  if (unknownId < 0) throw malformed(path, "a piece for what is unknown", `none among ${pieces.length}`);
  const gaps = Array.from({ length: gapMarks }, (_, i) => `<extra_id_${gapMarks - 1 - i}>`);
  const named = pieces.flatMap(({ piece, kind }, id) => (kind === "normal" ? [] : [{ content: piece, id }]));
  const marks = gaps.map((content, i) => ({ content, id: pieces.length + i }));
  return {
    path,
    pieces: [
      ...pieces.map(({ piece, score }) => [piece, score] as const),
      ...gaps.map((gap) => [gap, 0] as const),
    ],
    unknownId,
    addedTokens: boundedTokens(path, [
      ...named.map((token) => added(token, { left: false, right: false })),
      ...marks.map((token) => added(token, { left: true, right: true })),
    ]),
    changes: [
      ...(characterMap.length === 0
        ? []
        : [{ kind: "map", map: new ReplacementMap(path, characterMap) } as const]),
      { kind: "strip", ends: "right" },
      { kind: "collapse-blanks" },
    ],
    words: "blanks",
  };
}

function added(token: { content: string; id: number }, swallows: AddedToken["swallows"]): AddedToken {
  return { ...token, sought: "before-normalising", swallows };
}
