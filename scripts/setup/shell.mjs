/** @file Running other programs, and telling what set-up is doing. */
import { spawn, spawnSync } from "node:child_process";

/** One line on stderr. @param {string} text */
export function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

/** Whether a program can be started. @param {string} command */
export function exists(command) {
  return spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined;
}

/**
 * Runs a program and keeps what it says.
 * @returns {{ok: boolean, out: string, err: string}}
 */
export function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
  return { ok: done.status === 0, out: done.stdout ?? "", err: done.error?.message ?? done.stderr ?? "" };
}

/** The same without blocking, for work that runs side by side. */
export function start(command, args) {
  return new Promise((resolve) => {
    let out = "";
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      out += data;
    });
    child.on("error", (error) => resolve({ ok: false, out: error.message }));
    child.on("close", (code) => resolve({ ok: code === 0, out }));
  });
}
