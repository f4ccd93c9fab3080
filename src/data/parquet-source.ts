/**
 * @file Pictures and captions in parquet files, as Hugging Face's datasets keep them: an image column of `{bytes, path}` or of
 * bytes alone, and a column `text`, `caption` or `captions`. A sample is known by its row group and row, so nothing is kept
 * for each of them.
 */
import { basename } from "node:path";
import { DreamError } from "../errors.js";
import { openParquetFile, type ParquetFile } from "../formats/parquet.js";
import { captionNames } from "./captions.js";
import { fingerprintOf, lookAt } from "./index-file.js";
import { IndexedSource } from "./indexed-source.js";
import type { SampleReference, SampleSource } from "./sample.js";

type RowReference = Extract<SampleReference, { kind: "row" }>;

/** Names of image columns, the preferred first. */
const imageNames = ["image", "img", "picture", "jpg", "jpeg", "png", "webp"];

/** The row groups of all files one after another. */
interface Group {
  readonly file: number;
  readonly rowGroup: number;
  readonly first: number;
}

/**
 * Opens parquet files with the same columns.
 * @throws DreamError `io` where one is missing, `format` where one is damaged or the columns are not understood
 */
export function openParquet(location: string, paths: readonly string[]): SampleSource {
  const files = lookAt(paths);
  const groups: Group[] = [];
  let count = 0;
  let leaves: RowReference["leaves"] | undefined;
  for (const [number, path] of paths.entries()) {
    const file = openParquetFile(path);
    const own = leavesIn(file);
    leaves ??= own;
    if (JSON.stringify(own) !== JSON.stringify(leaves))
      throw refusal(path, `the columns of ${paths[0]} (${describe(leaves)})`, describe(own));
    for (const [rowGroup, rows] of file.rowCounts.entries()) {
      if (rows > 0) groups.push({ file: number, rowGroup, first: count });
      count += rows;
    }
  }
  if (leaves === undefined || count === 0) throw refusal(location, "rows", "none");
  const found = leaves;
  const keys = { count, key: (number: number) => keyOf(paths, groups, number) };
  return new IndexedSource(location, fingerprintOf("parquet", files), keys, (number) => {
    const { file, rowGroup, first } = groupOf(groups, number);
    return {
      kind: "row",
      key: keys.key(number),
      file: paths[file]!,
      rowGroup,
      row: number - first,
      leaves: found,
    };
  });
}

/** Which columns matter. @throws DreamError `format` listing the columns where image or caption is not among them */
function leavesIn({ path, leaves }: ParquetFile): RowReference["leaves"] {
  const image =
    imageNames.flatMap((name) =>
      leaves.filter(
        (leaf) => leaf[0] === name && (leaf.length === 1 || (leaf.length === 2 && leaf[1] === "bytes")),
      ),
    )[0] ?? leaves.find((leaf) => leaf.length === 2 && leaf[1] === "bytes");
  // A list of captions has a leaf below it.
  const caption = captionNames.flatMap((name) => leaves.filter((leaf) => leaf[0] === name))[0];
  if (image === undefined || caption === undefined)
    throw refusal(
      path,
      "a column `image` ({bytes, path} or bytes) and one of `text`, `caption`, `captions`",
      leaves
        .map((leaf) => leaf.join("."))
        .slice(0, 20)
        .join(", ") || "no columns",
    );
  const label = leaves.find((leaf) => leaf.length === 1 && leaf[0] === "label") ?? null;
  return { image, caption, label };
}

function groupOf(groups: readonly Group[], number: number): Group {
  let [low, high] = [0, groups.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (groups[middle]!.first <= number) low = middle;
    else high = middle - 1;
  }
  return groups[low]!;
}

function keyOf(paths: readonly string[], groups: readonly Group[], number: number): string {
  const { file, rowGroup, first } = groupOf(groups, number);
  return `${basename(paths[file]!)}:${rowGroup}:${number - first}`;
}

function describe({ image, caption, label }: RowReference["leaves"]): string {
  return [image, caption, ...(label === null ? [] : [label])].map((leaf) => leaf.join(".")).join(", ");
}

function refusal(source: string, expected: string, got: string): DreamError {
  return new DreamError("format", { operation: `read ${source}`, expected, got });
}
