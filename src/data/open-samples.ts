/** @file Opens pictures and captions wherever they are: shards, folders and parquet files, told apart by what is there. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DreamError } from "../errors.js";
import type { IndexPlace } from "./index-file.js";
import { expand } from "./location.js";
import { openParquet } from "./parquet-source.js";
import { classesIn, isPictureName, openClassFolder, openTableFolder, tableNames } from "./picture-folder.js";
import type { SampleSource } from "./sample.js";
import { openShards } from "./shards.js";

/** What is understood, for people. */
const understood =
  "webdataset shards (*.tar), a folder of pictures with metadata.jsonl or metadata.csv, a folder of pictures for each class, or parquet files (*.parquet)";

/** One kind of source that was found. */
interface Found {
  readonly name: string;
  readonly open: () => Promise<SampleSource> | SampleSource;
}

/**
 * Opens a source of samples.
 * @param location a folder, a file, or a pattern with braces or wildcards such as `data/train-{000..019}.tar`
 * @param options `indexFolder`: where the index of the samples is kept; beside the data where it is left out
 * @throws DreamError where nothing is there, or more than one thing, or data is damaged
 */
export async function openSamples(
  location: string,
  options: { readonly indexFolder?: string } = {},
): Promise<SampleSource> {
  const place: IndexPlace =
    options.indexFolder === undefined
      ? { kind: "beside-data" }
      : { kind: "folder", folder: options.indexFolder };
  const paths = expand(location);
  const [first = ""] = paths;
  const found =
    paths.length === 1 && statSync(first).isDirectory()
      ? inFolder(location, first, place)
      : inFiles(location, paths, place);
  if (found.length === 1) return found[0]!.open();
  const got =
    found.length > 1 ? `${found.map(({ name }) => name).join(" and ")} together` : `${describe(paths)}`;
  throw new DreamError("format", {
    operation: `open ${location}`,
    expected: understood,
    got,
    ...(found.length > 1 ? { hint: "name the files of one kind with a pattern, such as 'data/*.tar'" } : {}),
  });
}

function inFolder(location: string, folder: string, place: IndexPlace): Found[] {
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  const withEnding = (ending: string): string[] =>
    names
      .filter((name) => name.endsWith(ending))
      .sort()
      .map((name) => join(folder, name));
  const found: Found[] = [];
  const [archives, tables] = [withEnding(".tar"), withEnding(".parquet")];
  if (archives.length > 0) found.push({ name: "*.tar", open: () => openShards(location, archives, place) });
  if (tables.length > 0) found.push({ name: "*.parquet", open: () => openParquet(location, tables) });
  const present = tableNames.filter((table) => names.includes(table));
  for (const table of present) found.push({ name: table, open: () => openTableFolder(folder, table, place) });
  // Where a table names the pictures, their folders are no classes.
  if (present.length === 0 && classesIn(folder).length > 0)
    found.push({ name: "folders of classes", open: () => openClassFolder(folder) });
  return found;
}

function inFiles(location: string, paths: readonly string[], place: IndexPlace): Found[] {
  const files = paths.flatMap((path) => (statSync(path).isDirectory() ? shardsIn(path) : [path]));
  const archives = files.filter((path) => path.endsWith(".tar"));
  const tables = files.filter((path) => path.endsWith(".parquet"));
  const found: Found[] = [];
  if (archives.length > 0) found.push({ name: "*.tar", open: () => openShards(location, archives, place) });
  if (tables.length > 0) found.push({ name: "*.parquet", open: () => openParquet(location, tables) });
  if (archives.length + tables.length < files.length) {
    const [only = ""] = files;
    const table = tableNames.find((name) => name === basename(only));
    if (files.length === 1 && table !== undefined)
      return [{ name: table, open: () => openTableFolder(dirname(only), table, place) }];
    // An unknown file among the others is not left out silently.
    return found.length === 0
      ? []
      : [...found, { name: describe(files), open: () => openShards(location, [], place) }];
  }
  return found;
}

/** Several folders may hold the archives or parquet files of one source. */
function shardsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".tar") || name.endsWith(".parquet"))
    .sort()
    .map((name) => join(folder, name));
}

/** What is there, for people: the endings of names, most frequent first. */
function describe(paths: readonly string[]): string {
  const names = paths.flatMap((path) =>
    existsSync(path) && statSync(path).isDirectory()
      ? readdirSync(path).map((name) => join(path, name))
      : [path],
  );
  if (names.length === 0) return "an empty folder";
  const pictures = names.filter((name) => isPictureName(basename(name))).length;
  const shown = names.slice(0, 3).map((name) => basename(name));
  const more =
    names.length > shown.length ? `, ... (${names.length} in all, ${pictures} of them pictures)` : "";
  return `${shown.join(", ")}${more}`;
}
