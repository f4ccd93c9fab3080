/**
 * @file Tokens that a vocabulary was given by name (`<|endoftext|>`, `</s>`): where a text spells one out, it is that token and
 * nothing else. Some are looked for before a text is normalised, some after.
 */
import { brief, type JsonObject, list, malformed, object, text, tokenId } from "./tokenizer-files.js";

export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** When it is looked for. */
  readonly sought: "before-normalising" | "after-normalising";
  /** Which sides' white space it swallows. */
  readonly swallows: { readonly left: boolean; readonly right: boolean };
}

/** T5 has 103. */
const mostTokens = 4096;
const mostCharacters = 256;

/** `added_tokens` of a tokenizer.json. @throws DreamError `format` naming the token */
export function readAddedTokens(path: string, json: JsonObject): AddedToken[] {
  const tokens = list(path, "added_tokens", json.added_tokens ?? []).map((value, i): AddedToken => {
    const what = `added_tokens[${i}]`;
    const token = object(path, what, value);
    if (token.single_word === true)
      throw malformed(path, `${what} to be sought anywhere`, `single_word in ${brief(token)}`);
    return {
      content: text(path, `${what}.content`, token.content),
      id: tokenId(path, `${what}.id`, token.id),
      sought: token.normalized === true ? "after-normalising" : "before-normalising",
      swallows: { left: token.lstrip === true, right: token.rstrip === true },
    };
  });
  return boundedTokens(path, tokens);
}

/** The tokens, so few and so short that they can be looked for. @throws DreamError `format` where they are not */
export function boundedTokens(path: string, tokens: readonly AddedToken[]): AddedToken[] {
  if (tokens.length > mostTokens)
    throw malformed(path, `at most ${mostTokens} tokens with a name`, `${tokens.length}`);
  const odd = tokens.find(({ content }) => content === "" || content.length > mostCharacters);
  if (odd !== undefined)
    throw malformed(path, `names of 1 to at most ${mostCharacters} characters`, brief(odd.content));
  return [...tokens];
}

/** Cuts texts at the tokens that they spell out; the first place wins, and there the longest token. */
export class AddedTokenSplitter {
  readonly #tokens: readonly AddedToken[];
  readonly #pattern: RegExp;

  constructor(tokens: readonly AddedToken[]) {
    this.#tokens = [...tokens].sort((a, b) => b.content.length - a.content.length);
    const alternatives = this.#tokens.map(({ content, swallows }) => {
      const escaped = content.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
      const space = "\\p{White_Space}*";
      return `(${swallows.left ? space : ""}${escaped}${swallows.right ? space : ""})`;
    });
    this.#pattern = new RegExp(alternatives.join("|"), "gu");
  }

  /** The pieces in order: text, or the id of a token in its place. Empty texts are left out. */
  split(caption: string): (string | number)[] {
    if (this.#tokens.length === 0) return caption === "" ? [] : [caption];
    const pieces: (string | number)[] = [];
    let at = 0;
    for (const match of caption.matchAll(this.#pattern)) {
      if (match.index > at) pieces.push(caption.slice(at, match.index));
      pieces.push(this.#tokens[match.slice(1).findIndex((group) => group !== undefined)]!.id);
      at = match.index + match[0].length;
    }
    if (at < caption.length) pieces.push(caption.slice(at));
    return pieces;
  }
}
