/** @file The files of a Hugging Face tokenizer folder, read with bounds: nothing in them is trusted before it is checked. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DreamError } from "../errors.js";

/** Larger files are refused before they are read; CLIP's tokenizer.json has 2 MB, T5's 1.4 MB. */
const maximumFileBytes = 64 * 2 ** 20;

/** More tokens than the largest vocabularies in use have. */
const maximumTokens = 2 ** 20;

/** A JSON object whose values are not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A file of a folder, or undefined where there is none. @throws DreamError `io`, or `format` where it is too large */
export function readFile(folder: string, name: string): { path: string; bytes: Buffer } | undefined {
  const path = join(folder, name);
  try {
    const { size } = statSync(path);
    if (size > maximumFileBytes)
      throw malformed(path, `at most ${maximumFileBytes / 2 ** 20} MB`, `${size} bytes`);
    return { path, bytes: readFileSync(path) };
  } catch (cause) {
    if (cause instanceof DreamError) throw cause;
    const error = cause as NodeJS.ErrnoException;
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw new DreamError("io", {
      operation: `read ${path}`,
      message: error.message,
      hint: "check the path",
      cause,
    });
  }
}

/** A JSON file of a folder, or undefined where there is none. @throws DreamError `io`; `format` where it holds no object */
export function readJson(folder: string, name: string): { path: string; json: JsonObject } | undefined {
  const file = readFile(folder, name);
  if (file === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(file.bytes.toString("utf8"));
  } catch (cause) {
    throw malformed(file.path, "JSON", cause instanceof Error ? cause.message : String(cause));
  }
  return { path: file.path, json: object(file.path, "the file", json) };
}

export function object(path: string, what: string, value: unknown): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw malformed(path, `${what} to be an object`, brief(value));
}

export function list(path: string, what: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(path, `${what} to be a list`, brief(value));
  if (value.length > maximumTokens)
    throw malformed(path, `at most ${maximumTokens} items in ${what}`, `${value.length}`);
  return value;
}

export function text(path: string, what: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw malformed(path, `${what} to be text`, brief(value));
}

/** A token's id. */
export function tokenId(path: string, what: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < maximumTokens)
    return value as number;
  throw malformed(path, `${what} to be a whole number from 0 to ${maximumTokens - 1}`, brief(value));
}

export function brief(value: unknown): string {
  const said = JSON.stringify(value) ?? String(value);
  return said.length > 60 ? `${said.slice(0, 60)}...` : said;
}

export function malformed(path: string, expected: string, got: string): DreamError {
  return new DreamError("format", {
    operation: `read ${path}`,
    expected,
    got,
    hint: "the file is damaged or belongs to another kind of tokenizer; copy or download it again",
  });
}

export function noTokenizer(folder: string, names: string): DreamError {
  return new DreamError("io", {
    operation: "open tokenizer",
    expected: names,
    got: `none of them in ${folder}`,
    hint: "name the folder that holds the tokenizer's files",
  });
}
