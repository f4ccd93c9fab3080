/** @file The two ways out: words for people on stderr, results for machines on stdout. */

let speaks = true;

/** Of several processes that do one piece of work the first alone tells of it. */
export function leaveWordsToFirst(): void {
  speaks = false;
}

/** Whether this process tells people what it does. */
export function isTelling(): boolean {
  return speaks;
}

/** A line for a person. */
export function say(text: string): void {
  if (!speaks) return;
  process.stderr.write(`${text}\n`);
}

/** A result as one line of JSON. */
export function tell(result: unknown): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
