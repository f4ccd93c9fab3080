/** @file Folders of pictures: with a table (`metadata.jsonl`, `metadata.csv`), or with a folder for each class. */
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DreamError } from "../errors.js";
import { pathInside } from "../formats/inside.js";
import { fingerprintOf, type IndexPlace, keptIndex, lookAt } from "./index-file.js";
import { IndexedSource } from "./indexed-source.js";
import { columnsOf, rowsOf } from "./metadata-table.js";
import type { SampleReference, SampleSource } from "./sample.js";
import { type SampleIndex, SampleIndexBuilder } from "./sample-index.js";
import { pictureEndings } from "./shards.js";

/** The tables that a folder may have. */
export const tableNames = ["metadata.jsonl", "metadata.csv"] as const;

/**
 * Opens a folder whose table names its pictures. A row that cannot be read is a broken sample.
 * @throws DreamError `format` where the table is damaged or empty
 */
export async function openTableFolder(
  folder: string,
  table: string,
  place: IndexPlace,
): Promise<SampleSource> {
  const path = join(folder, table);
  const files = lookAt([path]);
  const index = await keptIndex("table", files, place, async () => {
    const builder = new SampleIndexBuilder(1);
    builder.beginFile();
    for await (const { fileName, range } of rowsOf(path))
      builder.add(fileName ?? `row ${builder.count + 1}`, [range]);
    return builder.finish(files);
  });
  if (index.count === 0) throw nothing(folder, `rows in ${table}`);
  const columns = columnsOf(path);
  return new IndexedSource(
    folder,
    fingerprintOfPictures(fingerprintOf("table", files), folder, index),
    index,
    (number) => ({
      kind: "line",
      key: index.key(number),
      folder,
      table: path,
      columns,
      row: index.range(0, number)!,
    }),
  );
}

/**
 * Opens a folder of classes: `class_name/picture.jpg`. A label is the place of the class among the sorted names; the caption is
 * the name with spaces for underscores.
 * @throws DreamError `format` where there is no picture, where a class has none, or a link leads out of the folder
 */
export function openClassFolder(folder: string): SampleSource {
  const classes = classesIn(folder);
  const empty = foldersIn(folder).find((name) => !classes.includes(name));
  if (classes.length > 0 && empty !== undefined)
    throw new DreamError("format", {
      operation: `open ${folder}`,
      expected: "a picture in the folder of each class",
      got: `none in ${empty}`,
      hint: "put its pictures there, or take the folder away: the classes' numbers follow from their names",
    });
  const builder = new SampleIndexBuilder(0);
  for (const name of classes) {
    builder.beginFile();
    for (const picture of picturesIn(folder, name)) builder.add(`${name}/${picture}`, []);
  }
  // The index's files are the classes.
  const index = builder.finish(classes.map((name) => ({ path: name, size: 0, mtimeMs: 0 })));
  if (index.count === 0) throw nothing(folder, "pictures in folders of classes");
  const reference = (number: number): SampleReference => {
    const label = index.fileOf(number);
    return { kind: "file", key: index.key(number), folder, className: basename(classes[label]!), label };
  };
  const names = classes.map((name) => name.replaceAll("_", " "));
  return new IndexedSource(folder, fingerprintOfPictures("classes", folder, index), index, reference, names);
}

/** The folders that have a picture each, sorted as plain strings. */
export function classesIn(folder: string): string[] {
  return foldersIn(folder)
    .filter((name) => readdirSync(join(folder, name)).some(isPictureName))
    .sort();
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith("."))
    .filter((entry) => entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name))))
    .map(({ name }) => name);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function picturesIn(folder: string, className: string): string[] {
  pathInside(folder, className);
  const entries = readdirSync(join(folder, className), { withFileTypes: true });
  for (const entry of entries) if (entry.isSymbolicLink()) pathInside(folder, `${className}/${entry.name}`);
  return entries
    .filter((entry) => !entry.isDirectory() && isPictureName(entry.name))
    .map(({ name }) => name)
    .sort();
}

export function isPictureName(name: string): boolean {
  const dot = name.lastIndexOf(".");
  return dot > 0 && pictureEndings.includes(name.slice(dot + 1).toLowerCase());
}

/** A picture may be written again without a change to its table or folder, so each is looked at. */
function fingerprintOfPictures(first: string, folder: string, index: SampleIndex): string {
  const hash = createHash("sha256").update(first);
  for (let number = 0; number < index.count; number++) {
    const key = index.key(number);
    const found = statOf(folder, key);
    hash.update(`${key}\0${found?.size}\0${found?.mtimeMs}\n`);
  }
  return hash.digest("hex");
}

function statOf(folder: string, name: string): { size: number; mtimeMs: number } | undefined {
  if (name.includes("\0") || name.split("/").includes("..")) return undefined;
  try {
    return statSync(join(folder, name), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function nothing(folder: string, expected: string): DreamError {
  return new DreamError("format", { operation: `open ${folder}`, expected, got: "none" });
}
