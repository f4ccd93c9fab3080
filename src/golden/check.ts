/** @file The golden check: everything that a folder of recordings holds, computed again and compared. */
import { noGrad, scope } from "../tensor/index.js";
import { checkDecodings } from "./decoding-checks.js";
import { checkDiffusion } from "./diffusion-checks.js";
import { checkForward } from "./forward-checks.js";
import { minimumMask, Recordings } from "./recordings.js";
import { CheckBook, recordedModel } from "./subject.js";
import { checkTables, tableKinds } from "./table-checks.js";
import type { Check } from "./tolerance.js";
import { checkTraining } from "./training-checks.js";

/** What came of a check. */
export interface GoldenReport {
  /** Every quantity that was compared; it failed where `error` exceeds 1. */
  readonly checks: readonly Check[];
  readonly failed: readonly Check[];
  /** Kinds that the folder does not record, and recorded results that nothing here computes. */
  readonly skipped: readonly string[];
  readonly worst: Check | null;
}

/**
 * Checks a folder of recordings against this engine.
 * @param folder holds one `*_golden.json`
 * @param device where to compute
 * @throws DreamError where the folder is not what it should be, or its weights do not fit its config
 */
export function checkGolden(folder: string, device = "cpu"): GoldenReport {
  const recordings = new Recordings(folder, device);
  const book = new CheckBook(recordings);
  const unknownTables = scope(() =>
    noGrad(() => {
      const model = recordedModel(recordings);
      checkForward(book, model);
      checkDiffusion(book, model);
      checkDecodings(book, model);
      return checkTables(book, model);
    }),
  );
  scope(() => checkTraining(book));
  const failed = book.checks.filter(({ error }) => !(error <= 1));
  const skipped = [
    ...absentKinds(recordings).map((kind) => `${kind}: not recorded`),
    ...book.unread().flatMap((name) => (name === minimumMask ? [] : [`${name}: nothing here computes it`])),
    ...unknownTables.map((name) => `table ${name}: of no known kind`),
  ];
  const worst = book.checks.reduce<Check | null>(
    (a, b) => (a === null || !(b.error <= a.error) ? b : a),
    null,
  );
  return { checks: book.checks, failed, skipped, worst };
}

/** First parts of the names of recorded results, `out.{kind}.`. */
const resultKinds =
  "patch unpatch enc mid text aligner dec alt net netcfg loss pstep sample clip clipm train optim sched".split(
    " ",
  );

/** Kinds of decoding, by how their `kind` begins. */
const decodingKinds = ["plain", "critic once", "critic at every step"];

/** What a whole folder records and this one does not. */
function absentKinds(recordings: Recordings): string[] {
  const cases = Object.values(
    (recordings.json.notes?.generation_cases ?? {}) as Record<string, { kind: string }>,
  );
  const tables = recordings.has("tables") ? Object.keys(recordings.table("tables") as object) : [];
  return [
    ...resultKinds.filter((kind) => !recordings.names.some((name) => name.startsWith(`out.${kind}.`))),
    ...decodingKinds.filter((begin) => !cases.some(({ kind }) => kind.startsWith(begin))),
    ...tableKinds.filter((kind) => !tables.includes(kind)),
    ...["grads", "diffusion_tables"].filter((file) => !recordings.has(file)),
  ];
}
