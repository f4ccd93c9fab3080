/** @file The captions in what a source says of a picture: `text`, `caption` or `captions`, one or a list. */
import { DreamError } from "../errors.js";

/** Where captions stand in a record, the preferred first. */
export const captionNames = ["text", "caption", "captions"] as const;

/** Longer captions are refused. */
export const maximumCaptionBytes = 1 << 20;

/**
 * The captions of a record.
 * @param source what the sample is called in errors
 * @throws DreamError `format` where there is none
 */
export function captionsIn(source: string, record: unknown): [string, ...string[]] {
  const fields = (typeof record === "object" && record !== null ? record : {}) as Record<string, unknown>;
  for (const name of captionNames) {
    const value = fields[name];
    const [first, ...others] = (Array.isArray(value) ? value : [value])
      .filter((one): one is string => typeof one === "string")
      .map((one) => one.trim())
      .filter((one) => one !== "");
    if (first !== undefined) return [first, ...others];
  }
  throw new DreamError("format", {
    operation: `read ${source}`,
    expected: "a caption (a text, or `text`, `caption` or `captions` in what is said of the picture)",
    got: "none",
  });
}

/** The class number in a record, or null. */
export function labelIn(record: unknown): number | null {
  const { label } = (typeof record === "object" && record !== null ? record : {}) as { label?: unknown };
  const isNumber = typeof label === "number" || typeof label === "bigint";
  const number =
    isNumber || (typeof label === "string" && /^\d{1,9}$/.test(label)) ? Number(label) : Number.NaN;
  return Number.isSafeInteger(number) && number >= 0 ? number : null;
}
