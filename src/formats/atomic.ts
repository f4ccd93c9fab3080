/** @file Files that are either whole or absent: written beside their place, flushed to disk, then renamed. */
import { type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DreamError } from "../errors.js";

/**
 * Writes a file atomically.
 * @param write receives the open temporary file
 * @throws DreamError `io` naming the file and the reason (no space, no permission); the old file, if any, stays as it was
 */
export async function writeAtomically(
  path: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${process.pid}.partial`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "w");
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    // Where the folder is no folder, there is nothing to be removed, and that is no news.
    await rm(temporary, { force: true }).catch(() => {});
    // What the system did not report is no failure of writing: an error of the content, or somebody's wish to stop.
    if ((cause as NodeJS.ErrnoException).code === undefined || cause instanceof DreamError) throw cause;
    throw writeFailure(path, cause);
  }
}

/** Removes what writers left half-written in a folder when they were killed. For whoever alone writes there. */
export async function removeHalfWritten(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (/\.\d+\.partial$/.test(name)) await rm(join(folder, name), { force: true });
}

/** What a failed write says: the file, the reason, and what to do. */
export function writeFailure(path: string, cause: unknown): DreamError {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const hints: Record<string, string> = {
    ENOSPC: "the disk is full; free some space and run the command again",
    EACCES: "this user may not write there; choose another folder",
    EROFS: "that file system is read-only; choose another folder",
  };
  return new DreamError("io", {
    operation: `write ${path}`,
    message: cause instanceof Error ? cause.message : String(cause),
    ...(hints[code] === undefined ? {} : { hint: hints[code] }),
    cause,
  });
}
