/** @file Figures of measures as people read them. */
import type { Measure } from "./measurement.js";

/** A value in a measure's unit. */
export function inUnit({ unit }: Measure, value: number): string {
  switch (unit) {
    case "share":
      return `${(100 * value).toFixed(1)}%`;
    case "metres":
      return `${value.toFixed(3)} m`;
    case "pictures/s":
      return value.toPrecision(3);
    case "distance":
    case "score":
      return value.toFixed(3);
    default:
      throw new Error(`internal: no unit ${unit satisfies never}`);
  }
}
