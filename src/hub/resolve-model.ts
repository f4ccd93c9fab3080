/**
 * @file A model's folder by its name: a local folder, or a model of the hub in the shared cache, downloaded where something is
 * missing. What is there is never asked for again.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DreamError } from "../errors.js";
import { CachedRepository } from "./cached-repository.js";
import { download } from "./download.js";
import { type Listing, listFiles } from "./listing.js";
import { checkedPath, isRepositoryName } from "./names.js";
import type { HubAccess } from "./requests.js";

/** A file by its name, or several names of which one is enough; an index of shards stands for its shards too. */
export type WantedFile = string | readonly string[];

/** How the hub is used. */
export interface HubOptions extends HubAccess {
  /** The cache, e.g. `~/.cache/huggingface/hub`. */
  readonly cacheFolder: string;
  /** Whether the network is left alone. */
  readonly offline: boolean;
}

/** What of a model is wanted. */
export interface ModelFiles {
  readonly files: readonly WantedFile[];
  /** A folder of the repository, such as `vae`. */
  readonly subfolder?: string;
  /** A branch, tag or commit; `main` unless said otherwise. */
  readonly revision?: string;
}

/** A download's state. */
export interface DownloadProgress {
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export type OnDownload = (progress: DownloadProgress) => void;

/**
 * @param nameOrPath a local folder, taken as it is, or `owner/name`
 * @returns the folder with the files, the subfolder entered
 * @throws DreamError `io` where something is missing and cannot be had, `value` for names that are none, `format` for damage
 */
export async function resolveModel(
  nameOrPath: string,
  { onDownload, ...options }: ModelFiles & HubOptions & { readonly onDownload?: OnDownload },
): Promise<string> {
  const { files, subfolder = "", revision = "main", cacheFolder, offline } = options;
  const within = subfolder === "" ? "" : `${checkedPath(subfolder, "subfolder")}/`;
  if (isFolder(nameOrPath)) return join(nameOrPath, subfolder);
  if (!isRepositoryName(nameOrPath)) throw unknownModel(nameOrPath);
  for (const file of files.flat()) checkedPath(file, "file name");
  const repository = new CachedRepository(cacheFolder, nameOrPath);
  const known = repository.commitOf(revision);
  if (known !== null) {
    const folder = join(repository.snapshot(known), subfolder);
    if (files.every((wanted) => isHere(folder, wanted))) return folder;
  }
  if (offline) throw notCached(nameOrPath, options);
  const listing = await listFiles(nameOrPath, known ?? checkedPath(revision, "revision"), options);
  const commit = known ?? listing.commit;
  await repository.setCommitOf(revision, commit);
  const source: Source = { model: nameOrPath, commit, listing, repository, access: options, onDownload };
  const folder = join(repository.snapshot(commit), subfolder);
  for (const wanted of files) {
    const file = [wanted].flat().find((name) => listing.files.has(`${within}${name}`));
    if (file === undefined) throw lacks(source, within, wanted);
    await bring(`${within}${file}`, source);
    if (isIndex(file))
      for (const shard of shardsOf(join(folder, file))) await bring(`${within}${shard}`, source);
  }
  return folder;
}

/** A commit on the hub, and its place here. */
interface Source {
  readonly model: string;
  readonly commit: string;
  readonly listing: Listing;
  readonly repository: CachedRepository;
  readonly access: HubAccess;
  readonly onDownload: OnDownload | undefined;
}

/** Has a file in the cache, downloaded where it is not. @param file its checked path in the repository */
async function bring(file: string, source: Source): Promise<void> {
  const { model, commit, listing, repository, access, onDownload } = source;
  if (existsSync(join(repository.snapshot(commit), file))) return;
  const content = listing.files.get(file);
  if (content === undefined) throw lacks(source, "", file);
  const blob = repository.blob(content.hash.hex);
  const url = `${access.endpoint}/${model}/resolve/${commit}/${file}`;
  if (!existsSync(blob))
    await download(url, content, blob, access, (doneBytes, totalBytes) =>
      onDownload?.({ file, doneBytes, totalBytes }),
    );
  await repository.place(content.hash.hex, commit, file);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isHere(folder: string, wanted: WantedFile): boolean {
  const file = [wanted].flat().find((name) => existsSync(join(folder, name)));
  if (file === undefined) return false;
  return !isIndex(file) || shardsOf(join(folder, file)).every((shard) => existsSync(join(folder, shard)));
}

function isIndex(file: string): boolean {
  return file.endsWith(".safetensors.index.json");
}

const indexSchema = z.object({
  weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)),
});

/** The files that an index names, all in its own folder. */
function shardsOf(index: string): string[] {
  try {
    const { weight_map: shards } = indexSchema.parse(JSON.parse(readFileSync(index, "utf8")));
    return [...new Set(Object.values(shards))];
  } catch (cause) {
    throw new DreamError("format", {
      operation: `read ${index}`,
      expected: "an index of shards in the same folder",
      got: cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause),
      cause,
    });
  }
}

function unknownModel(got: string): DreamError {
  return new DreamError("io", {
    operation: "find a model",
    expected: "a folder, or a model of the hub as owner/name",
    got: JSON.stringify(got),
    hint: "there is no such folder here; check the path",
  });
}

function notCached(
  model: string,
  { revision = "main", files, cacheFolder }: ModelFiles & HubOptions,
): DreamError {
  return new DreamError("io", {
    operation: `find ${model}`,
    expected: `${files.map((wanted) => [wanted].flat().join(" or ")).join(", ")} of revision ${revision} in ${cacheFolder}`,
    got: "not all of them, and the network is not to be used",
    hint: "run this once without HF_HUB_OFFLINE, or give the path of a folder with these files",
  });
}

function lacks({ model, listing: { files } }: Source, within: string, wanted: WantedFile): DreamError {
  const there = [...files.keys()].filter((name) => name.startsWith(within));
  return new DreamError("io", {
    operation: `find ${model}`,
    expected: [wanted]
      .flat()
      .map((name) => `${within}${name}`)
      .join(" or "),
    got:
      there.length === 0
        ? "no files there"
        : there.slice(0, 12).join(", ") + (there.length > 12 ? ", ..." : ""),
    hint: "this is a model of another kind; weights have to be stored as safetensors",
  });
}
