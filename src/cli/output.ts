/** @file The two ways out: words for people on stderr, results for machines on stdout. */

/** A line for a person. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A result as one line of JSON. */
export function tell(result: unknown): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
