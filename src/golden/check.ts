/** @file The golden check: everything that a folder of recordings holds, computed again and compared. */
import { noGrad, scope } from "../tensor/index.js";
import { checkDecodings } from "./decoding-checks.js";
import { checkDiffusion } from "./diffusion-checks.js";
import { checkForward } from "./forward-checks.js";
import { minimumMask, Recordings } from "./recordings.js";
import { CheckBook, recordedModel } from "./subject.js";
import { checkTables } from "./table-checks.js";
import type { Check } from "./tolerance.js";
import { checkTraining } from "./training-checks.js";

/** What came of a check. */
export interface GoldenReport {
  /** Every quantity that was compared; it failed where `error` exceeds 1. */
  readonly checks: readonly Check[];
  readonly failed: readonly Check[];
  /** Recorded results of a kind that is not known here. */
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
    ...book.unread().filter((name) => name !== minimumMask),
    ...Array.from({ length: unknownTables }, (_, i) => `table ${i + 1} of an unknown kind`),
  ];
  const worst = book.checks.reduce<Check | null>(
    (a, b) => (a === null || !(b.error <= a.error) ? b : a),
    null,
  );
  return { checks: book.checks, failed, skipped, worst };
}
