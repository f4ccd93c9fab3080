/** @file Paths from strangers: a name in a table or an archive stays inside the folder that it belongs to. */
import { realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { DreamError } from "../errors.js";

/**
 * The path of a named file in a folder.
 * @throws DreamError `format` where the name is absolute, climbs out with `..`, has a NUL, or leads out by a symbolic link;
 * `io` where there is no such file
 */
export function pathInside(folder: string, name: string): string {
  const refuse = (got: string): DreamError =>
    new DreamError("format", {
      operation: `read ${folder}`,
      expected: "names of files inside the folder",
      got,
      hint: "copy the files into the folder, or correct the name",
    });
  const shown = JSON.stringify(name.slice(0, 200));
  if (
    name === "" ||
    name.includes("\0") ||
    name.includes("\\") ||
    name.startsWith("/") ||
    /^[a-z]:/i.test(name)
  )
    throw refuse(shown);
  if (name.split("/").includes("..")) throw refuse(shown);
  const path = join(folder, name);
  let [real, root] = ["", ""];
  try {
    [real, root] = [realpathSync.native(path), realpathSync.native(folder)];
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", { operation: `read ${path}`, message, cause });
  }
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
    throw refuse(`${shown}, a link that leads out`);
  return path;
}
