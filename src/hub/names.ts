/** @file Names that meet the file system: of repositories, revisions and files. None becomes a path before it is checked here. */
import { DreamError } from "../errors.js";

const owner = /^[A-Za-z0-9][\w.-]*$/;
const longest = 96;

/** Whether a text can be a model's name on the hub, `owner/name`. */
export function isRepositoryName(text: string): boolean {
  const parts = text.split("/");
  return (
    parts.length === 2 &&
    parts.every((part) => owner.test(part)) &&
    text.length <= longest &&
    // The cache separates owner and name by two dashes.
    !/--|\.\.|\.git$/.test(text)
  );
}

/**
 * A relative path of plain names separated by slashes.
 * @param what it is, for the error
 * @throws DreamError `value` for anything that could lead out of its folder
 */
export function checkedPath(text: string, what: string): string {
  const parts = text.split("/");
  if (parts.every((part) => /^[\w.+-]+$/.test(part) && !/^\.+$/.test(part))) return text;
  throw new DreamError("value", {
    operation: `read the ${what} of a model`,
    expected: "plain names separated by /",
    got: JSON.stringify(text.slice(0, 80)),
  });
}

/** A commit's name: 40 hexadecimal digits. */
export const commitPattern = /^[0-9a-f]{40}$/;
