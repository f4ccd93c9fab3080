/** @file One line that tells how far long work is: rewritten on a terminal, repeated every few seconds elsewhere. */

import { isTelling } from "./output.js";

/** Seconds between lines where the output is no terminal. */
const quietSeconds = 10;

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #label: string;
  #lastLine = Number.NEGATIVE_INFINITY;
  /** When, and how far, it was first told of. */
  #start: { readonly at: number; readonly done: number } | undefined;

  /** @param label what is being done */
  constructor(label: string, stream: NodeJS.WriteStream = process.stderr) {
    this.#label = label;
    this.#stream = stream;
  }

  /** @param done of `all`; parts of one count in the share @param detail what else the line says */
  update(done: number, all: number, detail = ""): void {
    if (!isTelling()) return;
    const now = performance.now();
    this.#start ??= { at: now, done };
    const finished = done >= all;
    if (!this.#stream.isTTY && !finished && now - this.#lastLine < quietSeconds * 1000) return;
    this.#lastLine = now;
    const share = Math.floor((100 * done) / all);
    // Time is told before the details, of which a narrow terminal may cut the end.
    const place = `${Math.floor(done)}/${all} (${share}%${this.#left(done, all, now)})`;
    const line = `${this.#label} ${place}${detail === "" ? "" : `  ${detail}`}`;
    if (!this.#stream.isTTY) this.#stream.write(`${line}\n`);
    else
      this.#stream.write(
        `\r\x1b[2K${line.slice(0, (this.#stream.columns ?? 100) - 1)}${finished ? "\n" : ""}`,
      );
  }

  #left(done: number, all: number, now: number): string {
    const { at, done: first } = this.#start!;
    if (done <= first || done >= all) return "";
    const seconds = ((now - at) / 1000 / (done - first)) * (all - done);
    return `, ${clock(seconds)} left`;
  }
}

/** Seconds as m:ss, or h:mm:ss. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (number: number): string => String(number % 60).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole)}`
    : `${Math.floor(minutes / 60)}:${two(minutes)}:${two(whole)}`;
}
