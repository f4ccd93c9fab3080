/** @file Pictures named by the nearest of some texts: classes as sentences, or the captions of a group of pictures. */
import { scope, type Tensor } from "../tensor/index.js";
import { classEmbeddings, nameAlone, usualTemplates } from "./class-sentences.js";
import { meanOf } from "./intervals.js";
import { checkFinite, labelsOf } from "./labelled-features.js";
import type { SplitFeatures } from "./shared-features.js";
import type { EvaluationData, Subject } from "./subject.js";

/** What a text stands for: the number of a class, or a caption itself. */
export type Answer = number | string;

/** Pictures of a split that are named by the same texts. */
export interface NamingRound {
  /** The first of them in the split. */
  readonly first: number;
  /** Each one's right answer. */
  readonly right: readonly Answer[];
  /** [K, joint width], unit length */
  readonly texts: Tensor;
  /** What each text stands for. */
  readonly answers: readonly Answer[];
}

/** By which texts the pictures of a data set are named. */
export type NamingRule =
  | { readonly kind: "classes"; readonly names: readonly string[]; readonly templates: readonly string[] }
  | { readonly kind: "captions"; readonly groupSize: number };

/** Chance is 1 in as many. */
const groupSize = 100;

/**
 * Classes by their names. What has no names, and scenes of two and more objects, whose classes say less than their captions, by the
 * captions of 100 pictures in a row.
 */
export function namingRule({ classes, scenes, templates }: EvaluationData): NamingRule {
  if (classes === null || scenes === 2 || scenes === 3) return { kind: "captions", groupSize };
  // Those of one object are captions.
  const sentences = scenes === 1 ? nameAlone : (templates ?? usualTemplates);
  return { kind: "classes", names: classes, templates: sentences };
}

/** @returns rounds over the test split in its order @throws DreamError `value` where a picture has no class */
export async function namingRounds(
  { data, features, model, captions }: Pick<Subject, "data" | "features" | "model" | "captions">,
  rule: NamingRule,
): Promise<NamingRound[]> {
  const test = await features.of(data.test);
  switch (rule.kind) {
    case "classes": {
      const right = labelsOf(test, "test", "zero-shot naming");
      const texts = classEmbeddings({ model, captions }, rule.names, rule.templates);
      return [{ first: 0, right, texts, answers: [...rule.names.keys()] }];
    }
    case "captions":
      return captionRounds(test, rule.groupSize);
    default:
      throw new Error(`internal: no rule ${rule satisfies never}`);
  }
}

/** Full groups, in order; what is left at the end is not named. Any text with the very caption is right. */
export function captionRounds(
  { texts, captions }: Pick<SplitFeatures, "texts" | "captions">,
  size: number,
): NamingRound[] {
  return Array.from({ length: Math.floor(captions.length / size) }, (_, group) => {
    const first = group * size;
    const answers = captions.slice(first, first + size);
    return { first, right: answers, texts: texts.narrow(0, first, size), answers };
  });
}

/**
 * Each picture by its nearest text; of equally near ones the first counts.
 * @param images [n, joint width], unit length @returns 1 for each that is named right, otherwise 0
 * @throws DreamError `non-finite` where an embedding is no number
 */
export function namedRight(images: Tensor, rounds: readonly NamingRound[]): number[] {
  return rounds.flatMap(({ first, right, texts, answers }) =>
    scope(() => {
      const some = images.narrow(0, first, right.length);
      for (const side of [some, texts]) checkFinite(side, "zero-shot naming");
      const named = some.mm(texts.t()).argmax(1).toNumbers();
      return named.map((text, i) => Number(answers[text] === right[i]));
    }),
  );
}

/** Share that naming by lot gets right, 0..1. */
export function chanceOf(rounds: readonly NamingRound[]): number {
  const chances = rounds.flatMap(({ right, answers }) => {
    const counts = new Map<Answer, number>();
    for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    return right.map((answer) => (counts.get(answer) ?? 0) / answers.length);
  });
  return meanOf(chances);
}
