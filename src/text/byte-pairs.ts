/**
 * @file CLIP's vocabulary: byte pairs in Hugging Face's files. The pairs are merged by @huggingface/tokenizers; what reaches it
 * has been checked here.
 */
import { type AddedToken, readAddedTokens } from "./added-tokens.js";
import { BPE, type TokenModel } from "./library-models.js";
import {
  brief,
  list,
  malformed,
  noTokenizer,
  object,
  readFile,
  readJson,
  text,
  tokenId,
} from "./tokenizer-files.js";

export const startToken = "<|startoftext|>";
export const endToken = "<|endoftext|>";

/** What stands at the end of a word, so that "car" and the "car" of "cartoon" differ. */
const endOfWord = "</w>";

export interface BytePairs {
  readonly bpe: TokenModel;
  readonly ids: ReadonlyMap<string, number>;
  readonly addedTokens: readonly AddedToken[];
  readonly vocabularySize: number;
  /** The file that says most, for messages. */
  readonly path: string;
}

/**
 * Reads `tokenizer.json`, or `vocab.json` and `merges.txt` where there is none.
 * @throws DreamError `io` where there is neither; `format` where a file is damaged or its parts contradict each other
 */
export function readBytePairs(folder: string): BytePairs {
  const whole = readJson(folder, "tokenizer.json");
  if (whole !== undefined) {
    const { path, json } = whole;
    const model = object(path, "model", json.model);
    if (model.type !== "BPE" || model.end_of_word_suffix !== endOfWord)
      throw malformed(path, `a BPE model whose words end in ${endOfWord}`, `${brief(model.type)}`);
    const merges = list(path, "model.merges", model.merges).map((merge, i) =>
      readMerge(path, `model.merges[${i}]`, merge),
    );
    const unknown = typeof model.unk_token === "string" ? model.unk_token : null;
    return assemble(path, readVocabulary(path, model.vocab), merges, readAddedTokens(path, json), unknown);
  }
  const vocabulary = readJson(folder, "vocab.json");
  const merges = readFile(folder, "merges.txt");
  if (vocabulary === undefined || merges === undefined)
    throw noTokenizer(folder, "tokenizer.json, or vocab.json and merges.txt");
  const lines = list(merges.path, "the merges", merges.bytes.toString("utf8").split(/\r?\n/)) as string[];
  const pairs = lines.flatMap((line, i) =>
    line === "" || (i === 0 && line.startsWith("#version"))
      ? []
      : [readMerge(merges.path, `line ${i + 1}`, line)],
  );
  const ids = readVocabulary(vocabulary.path, vocabulary.json);
  const added = [startToken, endToken].flatMap((content) => addedToken(content, ids.get(content)));
  return assemble(vocabulary.path, ids, pairs, added, endToken);
}

function readVocabulary(path: string, value: unknown): Map<string, number> {
  const entries = list(path, "the vocabulary", Object.entries(object(path, "the vocabulary", value)));
  const ids = new Map(
    (entries as [string, unknown][]).map(([token, id]) => [
      token,
      tokenId(path, `the id of ${brief(token)}`, id),
    ]),
  );
  const distinct = new Set(ids.values()).size;
  if (distinct !== ids.size) throw malformed(path, `an id for each of ${ids.size} tokens`, `${distinct} ids`);
  return ids;
}

function readMerge(path: string, what: string, value: unknown): [string, string] {
  const parts = typeof value === "string" ? value.split(" ") : list(path, what, value);
  if (parts.length !== 2) throw malformed(path, `${what} to join two tokens`, brief(value));
  return [text(path, what, parts[0]), text(path, what, parts[1])];
}

function assemble(
  path: string,
  ids: Map<string, number>,
  merges: readonly [string, string][],
  addedTokens: readonly AddedToken[],
  unknown: string | null,
): BytePairs {
  for (const [left, right] of merges)
    for (const token of [left, right, left + right])
      if (!ids.has(token))
        throw malformed(
          path,
          `a vocabulary with ${brief(token)}`,
          `none, though ${brief([left, right])} are merged`,
        );
  for (const { content, id } of addedTokens) ids.set(content, id);
  if (unknown !== null && !ids.has(unknown))
    throw malformed(path, `a vocabulary with ${brief(unknown)}`, "none");
  return {
    path,
    ids,
    addedTokens,
    vocabularySize: [...ids.values()].reduce((most, id) => Math.max(most, id), -1) + 1,
    bpe: new BPE({
      type: "BPE",
      vocab: Object.fromEntries(ids),
      merges,
      end_of_word_suffix: endOfWord,
      unk_token: unknown,
    }),
  };
}

/** As Hugging Face adds start and end where no file says how. */
function addedToken(content: string, id: number | undefined): AddedToken[] {
  const swallows = { left: false, right: false };
  return id === undefined ? [] : [{ content, id, sought: "after-normalising", swallows }];
}
