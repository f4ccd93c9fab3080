/** @file The built command in a real process, for tests. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: { dream: string } };

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built command with arguments, as a program and what it is given. */
export function command(args: readonly string[]): readonly [program: string, ...args: string[]] {
  return [process.execPath, join(root, bin.dream), ...args];
}

/** Runs `dream` with arguments; a signal is sent once stderr says what `stopAfter` looks for. */
export function dream(
  args: readonly string[],
  stopAfter?: RegExp,
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...environment };
    const [program, ...given] = command(args);
    const child = spawn(program, given, { cwd: root, env });
    let [out, err, stopped] = ["", "", false];
    child.stdout.on("data", (data) => {
      out += String(data);
    });
    child.stderr.on("data", (data) => {
      err += String(data);
      if (stopped || stopAfter === undefined || !stopAfter.test(err)) return;
      stopped = true;
      child.kill("SIGINT");
    });
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** Lines of JSON. */
export function linesOf<T>(text: string): T[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}
