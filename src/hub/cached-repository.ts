/**
 * @file A model in the cache that Hugging Face's libraries share: `refs` name commits, `snapshots` hold a commit's files as links
 * to `blobs`, which are named for their content.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { writeFailure } from "../formats/atomic.js";
import { checkedPath, commitPattern } from "./names.js";

export class CachedRepository {
  readonly #folder: string;

  /** @param name checked, `owner/name` */
  constructor(cacheFolder: string, name: string) {
    this.#folder = join(cacheFolder, `models--${name.replace("/", "--")}`);
  }

  /** The commit that a branch, tag or commit stands for here, or null where it was never asked for. */
  commitOf(revision: string): string | null {
    if (commitPattern.test(revision)) return revision;
    const path = join(this.#folder, "refs", checkedPath(revision, "revision"));
    const commit = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
    return commitPattern.test(commit) ? commit : null;
  }

  /** Remembers which commit a branch or tag stands for. */
  async setCommitOf(revision: string, commit: string): Promise<void> {
    if (revision === commit) return;
    const path = join(this.#folder, "refs", checkedPath(revision, "revision"));
    try {
      await mkdir(dirname(path), { recursive: true });
      // One that is half written is read as none.
      await writeFile(path, commit);
    } catch (cause) {
      throw writeFailure(path, cause);
    }
  }

  /** The folder of a commit's files. */
  snapshot(commit: string): string {
    return join(this.#folder, "snapshots", commit);
  }

  /** Where content of a hash is kept. @param hash hexadecimal */
  blob(hash: string): string {
    return join(this.#folder, "blobs", hash);
  }

  /** Makes content that is here a commit's file. @param file its checked path in the repository */
  async place(hash: string, commit: string, file: string): Promise<void> {
    const path = join(this.snapshot(commit), file);
    const temporary = `${path}.${randomUUID()}.partial`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const linked = await symlink(relative(dirname(path), this.blob(hash)), temporary).then(
        () => true,
        // Not every file system has links, and not every user may make them.
        () => false,
      );
      await rename(linked ? temporary : this.blob(hash), path);
    } catch (cause) {
      await rm(temporary, { force: true });
      throw writeFailure(path, cause);
    }
  }
}
