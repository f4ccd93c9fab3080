/** @file Webdataset shards: tar archives of samples, read in any order. */
import { existsSync, readdirSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DreamError } from "../errors.js";
import { decodePicture } from "../formats/images.js";
import { indexTar, openArchive, readMember, type TarMember } from "../formats/tar.js";
import type { Sample, SampleSource } from "./sample.js";

const pictureEndings = ["jpg", "jpeg", "png", "webp"] as const;

interface IndexedSample {
  readonly key: string;
  readonly shard: string;
  readonly members: ReadonlyMap<string, TarMember>;
}

/**
 * Opens shards and indexes them.
 * @param pattern a folder of `*.tar`, one archive, or names with braces: `data/train-{000000..000009}.tar`
 * @throws DreamError `io` where nothing matches, `format` where an archive is damaged or no sample is whole
 */
export async function openShards(pattern: string): Promise<SampleSource> {
  const samples: IndexedSample[] = [];
  for (const shard of expand(pattern)) samples.push(...groupMembers(shard, await indexTar(shard)));
  if (samples.length === 0)
    throw new DreamError("format", {
      operation: `open ${pattern}`,
      expected: "samples of a picture (jpg, png or webp) and a caption (txt or json)",
      got: "none",
    });
  return new Shards(samples);
}

/** The archives that a pattern names, in order. */
export function expand(pattern: string): string[] {
  const braces = /^(.*)\{(\d+)\.\.(\d+)\}(.*)$/.exec(pattern);
  if (braces !== null) {
    const [, before = "", first = "", last = "", after = ""] = braces;
    const names: string[] = [];
    for (let n = Number(first); n <= Number(last); n++)
      names.push(`${before}${String(n).padStart(first.length, "0")}${after}`);
    return names.flatMap(expand);
  }
  if (pattern.includes("*")) {
    const folder = dirname(pattern);
    const name = new RegExp(
      `^${basename(pattern)
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")}$`,
    );
    const found = existsSync(folder)
      ? readdirSync(folder)
          .filter((one) => name.test(one))
          .sort()
      : [];
    if (found.length > 0) return found.map((one) => join(folder, one));
  } else if (existsSync(pattern)) {
    return statSync(pattern).isDirectory() ? expand(join(pattern, "*.tar")) : [pattern];
  }
  throw new DreamError("io", {
    operation: `open ${pattern}`,
    expected: "tar archives",
    got: "no such file",
    hint: "name a folder of *.tar, one archive, or a pattern such as data/train-{000000..000009}.tar",
  });
}

/** Members by sample: the key is the name up to its first dot; members of a sample stand together. */
function groupMembers(shard: string, members: readonly TarMember[]): IndexedSample[] {
  const samples = new Map<string, Map<string, TarMember>>();
  for (const member of members) {
    const [, key = "", ending = ""] = /^((?:.*\/)?[^/.]+)\.(.+)$/.exec(member.name) ?? [];
    if (key === "") continue;
    const sample = samples.get(key) ?? new Map<string, TarMember>();
    sample.set(ending.toLowerCase(), member);
    samples.set(key, sample);
  }
  return [...samples]
    .filter(
      ([, parts]) =>
        pictureEndings.some((ending) => parts.has(ending)) && (parts.has("txt") || parts.has("json")),
    )
    .map(([key, parts]) => ({ key, shard, members: parts }));
}

class Shards implements SampleSource {
  readonly #samples: readonly IndexedSample[];
  readonly #files = new Map<string, Promise<FileHandle>>();

  constructor(samples: readonly IndexedSample[]) {
    this.#samples = samples;
  }

  get count(): number {
    return this.#samples.length;
  }

  async read(number: number): Promise<Sample> {
    const { key, shard, members } = this.#samples[number]!;
    const file = await this.#open(shard);
    const ending = pictureEndings.find((one) => members.has(one))!;
    const bytes = await readMember(shard, file, members.get(ending)!);
    const source = `${shard}:${key}.${ending}`;
    const json = members.get("json");
    const truth = json === undefined ? null : parseTruth(source, await readMember(shard, file, json));
    const text = members.get("txt");
    const caption =
      text === undefined ? captionIn(source, truth) : (await readMember(shard, file, text)).toString("utf8");
    return { key, picture: await decodePicture(bytes, source), caption: caption.trim(), truth };
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await (await file).close();
    this.#files.clear();
  }

  #open(shard: string): Promise<FileHandle> {
    let file = this.#files.get(shard);
    if (file === undefined) {
      file = openArchive(shard);
      this.#files.set(shard, file);
    }
    return file;
  }
}

function parseTruth(source: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", {
      operation: `read ${source}`,
      expected: "JSON beside the picture",
      got,
      cause,
    });
  }
}

function captionIn(source: string, truth: unknown): string {
  const { caption, captions } = (truth ?? {}) as { caption?: unknown; captions?: unknown };
  const found = typeof caption === "string" ? caption : Array.isArray(captions) ? captions[0] : undefined;
  if (typeof found === "string") return found;
  throw new DreamError("format", {
    operation: `read ${source}`,
    expected: "a caption (txt, or json `caption`)",
    got: "none",
  });
}
