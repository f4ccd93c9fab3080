/** @file Webdataset shards: tar archives of samples, read in any order. */
import { DreamError } from "../errors.js";
import { tarMembers } from "../formats/tar.js";
import { fingerprintOf, type IndexPlace, keptIndex, lookAt } from "./index-file.js";
import { IndexedSource } from "./indexed-source.js";
import type { FileRange, SampleSource } from "./sample.js";
import { absent, type IndexedFile, type SampleIndex, SampleIndexBuilder } from "./sample-index.js";

/** Endings of pictures, the preferred first. */
export const pictureEndings: readonly string[] = ["jpg", "jpeg", "png", "webp"];

/** A sample's parts, in the order of the index's columns. */
const parts = { picture: 0, text: 1, json: 2 } as const;

/**
 * Opens shards, and indexes them where that is not done yet.
 * @throws DreamError `io` where one is missing, `format` where an archive is damaged or none has a picture
 */
export async function openShards(
  location: string,
  paths: readonly string[],
  place: IndexPlace,
): Promise<SampleSource> {
  const files = lookAt(paths);
  const index = await keptIndex("shards", files, place, () => indexShards(files));
  if (index.count === 0)
    throw new DreamError("format", {
      operation: `open ${location}`,
      expected: "samples of a picture (jpg, jpeg, png or webp) and a caption (txt or json)",
      got: "no picture in any archive",
    });
  return new IndexedSource(location, fingerprintOf("shards", files), index, (number) => ({
    kind: "members",
    key: index.key(number),
    archive: index.files[index.fileOf(number)]!.path,
    picture: index.range(parts.picture, number)!,
    text: index.range(parts.text, number),
    json: index.range(parts.json, number),
  }));
}

/** Finds the samples of archives by their headers. @throws DreamError `format` where an archive is damaged */
export function indexShards(files: readonly IndexedFile[]): SampleIndex {
  const builder = new SampleIndexBuilder(3);
  for (const { path } of files) {
    builder.beginFile();
    addArchive(builder, path);
  }
  return builder.finish(files);
}

/** A sample's members as they are found. */
interface Members {
  pictureRank: number;
  readonly ranges: (FileRange | null)[];
}

/** Members by sample: the key is the name up to its first dot. A picture without a caption is a sample too: a broken one. */
function addArchive(builder: SampleIndexBuilder, path: string): void {
  const samples = new Map<string, Members>();
  for (const { name, offset, size } of tarMembers(path)) {
    const folderEnd = name.lastIndexOf("/") + 1;
    const dot = name.indexOf(".", folderEnd);
    if (dot <= folderEnd) continue;
    const key = name.slice(0, dot);
    const ending = name.slice(dot + 1).toLowerCase();
    const rank = pictureEndings.indexOf(ending);
    if (rank < 0 && ending !== "txt" && ending !== "json") continue;
    if (size >= absent)
      throw new DreamError("format", {
        operation: `read ${path}`,
        expected: "members of less than 4 GiB",
        got: `'${name}' of ${size} bytes`,
      });
    let sample = samples.get(key);
    if (sample === undefined) {
      sample = { pictureRank: pictureEndings.length, ranges: [null, null, null] };
      samples.set(key, sample);
    }
    if (rank < 0) sample.ranges[ending === "txt" ? parts.text : parts.json] = { offset, size };
    else if (rank <= sample.pictureRank) {
      sample.pictureRank = rank;
      sample.ranges[parts.picture] = { offset, size };
    }
  }
  for (const [key, { ranges }] of samples) if (ranges[parts.picture] !== null) builder.add(key, ranges);
}
