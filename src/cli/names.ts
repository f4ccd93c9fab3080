/** @file Names on a command line, with commas between. */
import { InvalidArgumentError } from "commander";

export function named(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes(""))
    throw new InvalidArgumentError(`Expected names with commas between, got "${text}".`);
  return names;
}
