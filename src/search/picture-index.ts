/**
 * @file Pictures of folders, found by a sentence or by a picture. Each has a record with its vector in one LMDB file: a record is whole or
 * not there, whenever the process or the machine ends, and pictures that have not changed are not embedded again.
 */
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, relative, resolve } from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import { z } from "zod";
import { pictureEndings } from "../data/shards.js";
import type { Dream, ImageInput, KeptVectors } from "../dream.js";
import { DreamError } from "../errors.js";
import { pictureSize } from "../formats/images.js";

/** What is known of a picture. */
export interface IndexedPicture {
  /** Where it is. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly width: number;
  readonly height: number;
}

/** A picture that was found. */
export interface FoundPicture extends IndexedPicture {
  /** Cosine. */
  readonly score: number;
}

/** What became of a folder's pictures. */
export interface UpdateReport {
  readonly added: number;
  readonly unchanged: number;
  readonly removed: number;
  /** Pictures that cannot be read, and why. */
  readonly broken: readonly { readonly path: string; readonly reason: string }[];
}

/** How an update is watched, and called off. */
export interface UpdateHooks {
  readonly signal?: AbortSignal;
  /** Told of pictures that are embedded, of those that have to be. */
  readonly onProgress?: (done: number, all: number) => void;
}

const recordSchema = z.object({
  bytes: z.number(),
  modifiedMs: z.number(),
  width: z.number(),
  height: z.number(),
  vector: z.instanceof(Uint8Array),
});
type IndexRecord = z.infer<typeof recordSchema>;

const metaSchema = z.object({
  format: z.literal(1),
  model: z.string(),
  identity: z.string(),
  width: z.number(),
});

/** What an index says of itself. */
export type IndexMeta = z.infer<typeof metaSchema>;

/** Pictures that are embedded, and recorded, at a time. */
const window = 64;

/** Vectors as the engine keeps them, and whose they are. */
interface Looked {
  readonly vectors: KeptVectors | null;
  readonly pictures: readonly IndexedPicture[];
}

/** Pictures of folders that can be searched with one model. */
export class PictureIndex {
  readonly #root: RootDatabase;
  readonly #pictures: Database<IndexRecord, string>;
  readonly #dream: Dream;
  #looked: Promise<Looked> | null = null;

  private constructor(root: RootDatabase, dream: Dream) {
    this.#root = root;
    this.#dream = dream;
    this.#pictures = root.openDB("pictures", { encoding: "msgpack" });
  }

  /**
   * Opens an index, or begins one.
   * @param name what the model is called, for whoever opens the index later
   * @throws DreamError `value` where its vectors are another model's, `format` where it is none
   */
  static async open(folder: string, dream: Dream, name: string): Promise<PictureIndex> {
    const width = dream.info.embeddingWidth;
    if (width === null)
      throw new DreamError("value", {
        operation: "index pictures",
        expected: "a model that was trained to embed",
        got: `one of recipe ${dream.info.recipe}, which was not`,
      });
    const root = openEnvironment(folder);
    const known = metaOf(root, folder);
    const { identity } = dream.info;
    if (known !== null && known.identity !== identity) {
      await root.close();
      throw new DreamError("value", {
        operation: `open ${folder}`,
        expected: `the model that its vectors are of, ${known.model}`,
        got: `another one, ${name}`,
        hint: "use that model, or index into another folder",
      });
    }
    if (known === null)
      await root.put("meta", { format: 1, model: name, identity, width } satisfies IndexMeta);
    return new PictureIndex(root, dream);
  }

  /** What a folder's index says of itself. @throws DreamError `io` where there is none */
  static async describe(folder: string): Promise<IndexMeta> {
    if (!statSync(join(folder, "data.mdb"), { throwIfNoEntry: false })?.isFile()) throw noIndex(folder);
    const root = openEnvironment(folder);
    const meta = metaOf(root, folder);
    await root.close();
    if (meta === null) throw noIndex(folder);
    return meta;
  }

  /** Pictures that it has. */
  get count(): number {
    return (this.#pictures.getStats() as { readonly entryCount: number }).entryCount;
  }

  /** Whether it has a picture of this path. */
  has(path: string): boolean {
    return this.#pictures.doesExist(path);
  }

  /**
   * Brings the index up to a folder: new and changed pictures are embedded, those that are gone are dropped. What is done stays, however it ends.
   * @throws DreamError `io` where the folder cannot be read; what the signal was aborted with
   */
  async update(folder: string, { signal, onProgress = () => {} }: UpdateHooks = {}): Promise<UpdateReport> {
    const there = picturesBelow(resolve(folder));
    const wanted = there.filter(({ path, bytes, modifiedMs }) => {
      const known = this.#pictures.get(path);
      return known === undefined || known.bytes !== bytes || known.modifiedMs !== modifiedMs;
    });
    const gone = this.#below(resolve(folder), new Set(there.map(({ path }) => path)));
    const broken: { path: string; reason: string }[] = [];
    let added = 0;
    for (let first = 0; first < wanted.length; first += window) {
      signal?.throwIfAborted();
      const part = await this.#embedded(wanted.slice(first, first + window), broken);
      await this.#root.transaction(() => {
        for (const { path, record } of part) this.#pictures.put(path, record);
      });
      await this.#root.flushed;
      added += part.length;
      onProgress(Math.min(first + window, wanted.length), wanted.length);
    }
    await this.#root.transaction(() => {
      for (const path of gone) this.#pictures.remove(path);
    });
    await this.#root.flushed;
    await this.#forget();
    return { added, unchanged: there.length - wanted.length, removed: gone.length, broken };
  }

  /** The pictures that fit a sentence, or another picture, best; all are compared. */
  async search(
    query: { readonly text: string } | { readonly image: ImageInput },
    count: number,
  ): Promise<FoundPicture[]> {
    const { vectors, pictures } = await this.#look();
    const [vector] =
      "text" in query
        ? await this.#dream.embedText([query.text])
        : await this.#dream.embedImage([query.image]);
    const nearest = (await vectors?.nearest(vector!, count)) ?? [];
    return nearest.map(({ place, score }) => ({ ...pictures[place]!, score }));
  }

  /** Lets the files go. */
  async close(): Promise<void> {
    await this.#forget();
    await this.#root.close();
  }

  /** Pictures that cannot be embedded are told, and the others are. */
  async #embedded(
    files: readonly FoundFile[],
    broken: { path: string; reason: string }[],
  ): Promise<{ readonly path: string; readonly record: IndexRecord }[]> {
    const read = await Promise.all(
      files.map(async (file) => {
        try {
          const bytes = await readFile(file.path);
          return [{ file, bytes, size: await pictureSize(bytes, file.path) }];
        } catch (error) {
          broken.push({ path: file.path, reason: reasonOf(error) });
          return [];
        }
      }),
    );
    const whole = read.flat();
    const vectors = await this.#vectorsOf(whole, broken);
    return whole.flatMap(({ file: { path, bytes, modifiedMs }, size }, i) => {
      const vector = vectors[i];
      if (vector === undefined || vector === null) return [];
      return [
        {
          path,
          record: { bytes, modifiedMs, ...size, vector: Uint8Array.from(new Uint8Array(vector.buffer)) },
        },
      ];
    });
  }

  /** All at once; where one of them is damaged, each by itself. */
  async #vectorsOf(
    files: readonly { readonly file: FoundFile; readonly bytes: Uint8Array }[],
    broken: { path: string; reason: string }[],
  ): Promise<(Float32Array | null)[]> {
    try {
      return await this.#dream.embedImage(files.map(({ bytes }) => bytes));
    } catch (error) {
      if (!(error instanceof DreamError) || error.code !== "format") throw error;
    }
    const vectors: (Float32Array | null)[] = [];
    for (const { file, bytes } of files)
      try {
        vectors.push((await this.#dream.embedImage([bytes]))[0]!);
      } catch (error) {
        broken.push({ path: file.path, reason: reasonOf(error) });
        vectors.push(null);
      }
    return vectors;
  }

  /** Paths below a folder that the index has, and the folder has not. */
  #below(folder: string, there: ReadonlySet<string>): string[] {
    return [...this.#pictures.getKeys()].filter(
      (path) => !relative(folder, path).startsWith("..") && !there.has(path),
    );
  }

  /** The vectors as the engine keeps them, loaded when first asked for. */
  #look(): Promise<Looked> {
    this.#looked ??= this.#load();
    return this.#looked;
  }

  async #load(): Promise<Looked> {
    const entries = [...this.#pictures.getRange()].map(({ key, value }) => ({
      key,
      value: recordSchema.parse(value),
    }));
    const width = this.#dream.info.embeddingWidth!;
    const rows = new Float32Array(entries.length * width);
    for (const [i, { value }] of entries.entries())
      rows.set(new Float32Array(value.vector.slice().buffer), i * width);
    const pictures = entries.map(({ key, value: { vector: _, ...known } }) => ({ path: key, ...known }));
    return { vectors: entries.length === 0 ? null : await this.#dream.keepVectors(rows), pictures };
  }

  async #forget(): Promise<void> {
    const looked = this.#looked;
    this.#looked = null;
    await (await looked)?.vectors?.dispose();
  }
}

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

const isPicture = (name: string): boolean => pictureEndings.includes(extname(name).slice(1).toLowerCase());

function picturesBelow(folder: string): FoundFile[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && isPicture(entry.name))
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        const { size, mtimeMs } = statSync(path);
        return { path, bytes: size, modifiedMs: mtimeMs };
      })
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${folder}`, message, hint: "check the path", cause });
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function openEnvironment(folder: string): RootDatabase {
  mkdirSync(folder, { recursive: true });
  try {
    return open({ path: folder, noSubdir: false, maxDbs: 2 });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", {
      operation: `open ${folder}`,
      message,
      hint: "remove the folder and index again",
      cause,
    });
  }
}

function metaOf(root: RootDatabase, folder: string): IndexMeta | null {
  const found: unknown = root.get("meta");
  if (found === undefined) return null;
  const parsed = metaSchema.safeParse(found);
  if (parsed.success) return parsed.data;
  throw new DreamError("format", {
    operation: `open ${folder}`,
    expected: "an index of pictures",
    got: z.prettifyError(parsed.error),
  });
}

const noIndex = (folder: string): DreamError =>
  new DreamError("io", {
    operation: `open ${folder}`,
    expected: "an index that `dream index` made",
    got: "none",
  });
