/**
 * @file The error vocabulary. Everything that a person can cause is a `DreamError`: it names the operation, what was
 * expected, what was found, and what to do. Anything else that is thrown is a defect of ours and says "internal:".
 */

/** What kind of thing went wrong; stable, for programs. */
export type DreamErrorCode =
  | "shape" // a tensor does not fit
  | "type" // a value of the wrong type or dtype
  | "value" // a value outside its range
  | "unknown-name" // a name that is not among the alternatives
  | "state" // a state dict with missing, unexpected or misshapen keys
  | "format" // a file that is not what it claims to be
  | "io" // a file that cannot be read or written, a port that cannot be opened
  | "engine" // libtorch is missing, too old, or refused
  | "peer" // another process of the group ended, did not come, or does not answer
  | "non-finite" // a loss that is NaN or infinite
  | "cancelled" // a person or a signal stopped the work
  | "usage"; // a command line that cannot be understood

/** The parts of a {@link DreamError}; only `operation` and one of `expected`/`got`/`message` are usual. */
export interface DreamErrorDetails {
  /** What was being done, e.g. `read tar`, `aten::matmul`. */
  readonly operation: string;
  readonly expected?: string;
  readonly got?: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  /** Free text, where expected/got do not fit. */
  readonly message?: string;
  readonly cause?: unknown;
}

/** An error that a person can act on. */
export class DreamError extends Error {
  override readonly name = "DreamError";
  readonly code: DreamErrorCode;
  readonly operation: string;
  readonly expected: string | undefined;
  readonly got: string | undefined;
  readonly hint: string | undefined;

  constructor(code: DreamErrorCode, details: DreamErrorDetails) {
    super(sentence(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.operation = details.operation;
    this.expected = details.expected;
    this.got = details.got;
    this.hint = details.hint;
  }
}

/**
 * An error for a name that is not among the known ones; lists the alternatives, nearest first.
 * @param what e.g. `recipe`, `pool`
 */
export function unknownName(
  operation: string,
  what: string,
  got: string,
  known: readonly string[],
): DreamError {
  const sorted = [...known].sort((a, b) => editDistance(got, a) - editDistance(got, b));
  const nearest = sorted[0];
  const close = nearest !== undefined && editDistance(got, nearest) <= Math.max(2, got.length / 3);
  const listed = sorted.length > 12 ? [...sorted.slice(0, 12), "..."] : sorted;
  return new DreamError("unknown-name", {
    operation,
    expected: `a known ${what} (${listed.join(", ")})`,
    got: JSON.stringify(got),
    ...(close ? { hint: `did you mean ${JSON.stringify(nearest)}?` } : {}),
  });
}

function sentence({ operation, expected, got, hint, message }: DreamErrorDetails): string {
  const parts: string[] = [];
  if (message !== undefined) parts.push(message);
  if (expected !== undefined) parts.push(`expected ${expected}`);
  if (got !== undefined) parts.push(`got ${got}`);
  return `${operation}: ${parts.join(", ")}${hint === undefined ? "" : `. ${capitalised(hint)}`}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
