/**
 * @file What we use of @huggingface/tokenizers: merging byte pairs, and the best cut into unigrams. Typed here, because the package's
 * own types name their files without endings and so do not resolve under Node's rules.
 */
import * as library from "@huggingface/tokenizers";

export interface TokenModel {
  /** The tokens of some words, one after another. */
  encode(words: readonly string[]): string[];
}

interface BytePairConfig {
  readonly type: "BPE";
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
  readonly end_of_word_suffix: string;
  /** Stands for what is not in the vocabulary; null leaves it out. */
  readonly unk_token: string | null;
}

interface UnigramConfig {
  readonly type: "Unigram";
  readonly vocab: readonly (readonly [string, number])[];
  readonly unk_id: number;
}

export const { BPE, Unigram } = library as unknown as {
  BPE: new (config: BytePairConfig) => TokenModel;
  Unigram: new (config: UnigramConfig, endToken: string) => TokenModel;
};
