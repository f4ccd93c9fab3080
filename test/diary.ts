/** @file What the long tests found, a dated line for each time, the newest first, under one heading of LOG.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { engineVersion } from "../src/tensor/index.js";
import { root } from "./process.js";

const heading = "## What the long tests found\n";

/** Prints a long test's result as a line of JSON, and keeps it in the log with its day and machine. */
export function record(test: string, result: Readonly<Record<string, unknown>>): void {
  const text = JSON.stringify(result);
  process.stdout.write(`${text}\n`);
  const day = new Date().toISOString().slice(0, 10);
  const line = `- ${day}, ${availableParallelism()} cores, libtorch ${engineVersion()}: ${test} \`${text}\`\n`;
  const path = join(root, "LOG.md");
  writeFileSync(path, withLine(readFileSync(path, "utf8"), line));
}

/** The log with a line more; the heading stands before the first experiment where it is not there yet. */
function withLine(log: string, line: string): string {
  const at = log.indexOf(heading);
  if (at >= 0) {
    const end = at + heading.length + 1;
    return `${log.slice(0, end)}${line}${log.slice(end)}`;
  }
  const first = log.indexOf("\n## ") + 1;
  return `${log.slice(0, first)}${heading}\n${line}\n${log.slice(first)}`;
}
