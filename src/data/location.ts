/** @file The files that a pattern names: braces (`{000..019}`, `{a,b}`) and the wildcards `*` and `?`. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DreamError } from "../errors.js";

/** A pattern that stands for more names is refused. */
const maximumNames = 1_000_000;

/**
 * The paths that a pattern names, all of which exist; those of a wildcard in the order of their names.
 * @throws DreamError `io` naming what is absent, `value` where braces stand for more than a million names
 */
export function expand(pattern: string): string[] {
  const found: string[] = [];
  for (const name of expandBraces(pattern)) {
    const matching = /[*?]/.test(name) ? expandWildcards(name) : existsSync(name) ? [name] : [];
    if (matching.length === 0)
      throw new DreamError("io", {
        operation: `open ${pattern}`,
        expected: "files or a folder",
        got: name === pattern ? "no such file" : `no ${name}`,
        hint: "name a folder, a file, or a pattern such as data/train-{000000..000009}.tar",
      });
    found.push(...matching);
  }
  return found;
}

/** Every name that braces stand for, from left to right; a number's zeros are kept: `{08..10}` is 08, 09, 10. */
export function expandBraces(pattern: string): string[] {
  let names = [""];
  let rest = pattern;
  for (;;) {
    const found = /\{(\d+)\.\.(\d+)\}|\{([^{}]*,[^{}]*)\}/.exec(rest);
    const before = found === null ? rest : rest.slice(0, found.index);
    const alternatives = found === null ? [""] : alternativesOf(pattern, found);
    if (names.length * alternatives.length > maximumNames) throw tooMany(pattern);
    names = names.flatMap((name) => alternatives.map((one) => name + before + one));
    if (found === null) return names;
    rest = rest.slice(found.index + found[0].length);
  }
}

function alternativesOf(pattern: string, [, first, last, list]: RegExpExecArray): string[] {
  if (first === undefined || last === undefined) return list!.split(",");
  const count = Number(last) - Number(first) + 1;
  if (!(count <= maximumNames)) throw tooMany(pattern);
  if (count < 1)
    throw new DreamError("value", {
      operation: `open ${pattern}`,
      expected: "a range whose end is not below its beginning",
      got: `{${first}..${last}}`,
    });
  return Array.from({ length: count }, (_, i) => String(Number(first) + i).padStart(first.length, "0"));
}

function tooMany(pattern: string): DreamError {
  return new DreamError("value", {
    operation: `open ${pattern}`,
    expected: "at most a million names",
    got: "braces that stand for more",
  });
}

/** Follows a path part by part; a wildcard does not match what begins with a dot. */
function expandWildcards(pattern: string): string[] {
  let folders = [pattern.startsWith("/") ? "/" : ""];
  for (const part of pattern.split("/").filter((one) => one !== "")) {
    const name = new RegExp(
      `^${part
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`,
      "s",
    );
    folders = folders.flatMap((folder) =>
      /[*?]/.test(part)
        ? namesIn(folder === "" ? "." : folder)
            .filter((one) => !one.startsWith(".") && name.test(one))
            .map((one) => join(folder, one))
        : [join(folder, part)].filter((one) => existsSync(one)),
    );
  }
  return folders;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
