/** @file Measures run on one subject: what is lacking is told before anything starts. */
import { DreamError } from "../errors.js";
import type { Measure, Measurement, Offered } from "./measurement.js";
import type { Subject } from "./subject.js";

/** A measure that can be run, or why not. */
export type Applicability =
  | { readonly kind: "applicable"; readonly measure: Measure }
  | { readonly kind: "lacking"; readonly measure: Measure; readonly lacks: string };

export function applicability(measures: readonly Measure[], offered: Offered): Applicability[] {
  return measures.map((measure) => {
    const lacks = measure.lacks(offered);
    return lacks === null ? { kind: "applicable", measure } : { kind: "lacking", measure, lacks };
  });
}

/** @throws DreamError `value` naming what is lacking for each measure that is */
export function requireApplicable(measures: readonly Measure[], offered: Offered): void {
  const lacking = applicability(measures, offered).flatMap((one) => (one.kind === "lacking" ? one : []));
  if (lacking.length > 0)
    throw new DreamError("value", {
      operation: "evaluate",
      message: lacking.map(({ measure, lacks }) => `${measure.name} needs ${lacks}`).join("; "),
      hint: "leave these measures out, or give what they need",
    });
}

export interface EvaluationHooks {
  readonly onBegin: (measure: Measure) => void;
  /** @param seconds that it took, what it was the first to compute included */
  readonly onMeasured: (measure: Measure, measurement: Measurement, seconds: number) => void | Promise<void>;
  readonly signal: AbortSignal;
}

/** @param measures all of them applicable */
export async function evaluate(
  subject: Subject,
  measures: readonly Measure[],
  { onBegin, onMeasured, signal }: EvaluationHooks,
): Promise<void> {
  requireApplicable(measures, subject);
  for (const measure of measures) {
    signal.throwIfAborted();
    onBegin(measure);
    const started = performance.now();
    const measurement = await measure.run(subject);
    await onMeasured(measure, measurement, (performance.now() - started) / 1000);
  }
}
