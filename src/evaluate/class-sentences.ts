/** @file Classes as sentences: a name is put into several, and their embeddings' mean stands for the class, as CLIP does it. */
import { readFileSync } from "node:fs";
import { DreamError } from "../errors.js";
import { cat, scope, type Tensor } from "../tensor/index.js";
import { atRest } from "./at-rest.js";
import type { Encoding } from "./shared-features.js";

/** Where the name comes. */
const place = "{}";

/** For pictures of things, in plain English. */
export const usualTemplates: readonly string[] = [
  "a photo of a {}",
  "a picture of a {}",
  "a close view of a {}",
  "a photo of one {} among other things",
  "a blurry photo of a {}",
  "a drawing of a {}",
  "this is a {}",
];

/** For classes whose names are captions already. */
export const nameAlone: readonly string[] = [place];

/** @param path of a file with a sentence on each line, `{}` where the name comes @throws DreamError `io`, `format` */
export function readTemplates(path: string): string[] {
  const operation = `read sentences for class names from ${path}`;
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new DreamError("io", { operation, message: (cause as Error).message, cause });
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  for (const [i, line] of lines.entries())
    if (line !== "" && !line.includes(place))
      throw new DreamError("format", {
        operation,
        expected: `${place} in each line, where the name comes`,
        got: `${JSON.stringify(line)} in line ${i + 1}`,
      });
  const templates = lines.filter((line) => line !== "");
  if (templates.length === 0)
    throw new DreamError("format", { operation, expected: "at least one sentence", got: "none" });
  return templates;
}

/** The sentences of one class. */
export const sentencesOf = (name: string, templates: readonly string[]): string[] =>
  templates.map((template) => template.replaceAll(place, () => name));

/** Sentences that are embedded at a time. */
const window = 256;

/**
 * Each class's sentences' embeddings, their mean, brought to unit length.
 * @param names of the classes, at least one @returns [K, joint width], on the CPU
 */
export function classEmbeddings(
  { model, captions }: Pick<Encoding, "model" | "captions">,
  names: readonly string[],
  templates: readonly string[],
): Tensor {
  const sentences = names.flatMap((name) => sentencesOf(name, templates));
  return scope(() => {
    const parts: Tensor[] = [];
    for (let first = 0; first < sentences.length; first += window)
      parts.push(
        atRest(model, () => {
          const ids = captions.ids(sentences.slice(first, first + window));
          return model.embedTexts(ids.to({ device: model.device })).to({ device: "cpu" });
        }),
      );
    const means = cat(parts, 0).reshape([names.length, templates.length, -1]).mean(1);
    return means.div(means.square().sum([1], true).sqrt().clamp(1e-12));
  });
}
