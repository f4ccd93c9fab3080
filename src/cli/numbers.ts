/** @file Numbers on the command line: what is none, or is out of bounds, is a mistake in the command. */
import { InvalidArgumentError } from "commander";

/** A parser of whole numbers from `least` to `most`. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const number = Number(text);
    if (/^-?\d+$/.test(text.trim()) && number >= least && number <= most) return number;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`Expected a whole number ${bounds}, got "${text}".`);
  };
}

/** A parser of numbers. @param kind which ones, in words */
export function real(kind: string, accepts: (number: number) => boolean) {
  return (text: string): number => {
    const number = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(number) && accepts(number)) return number;
    throw new InvalidArgumentError(`Expected ${kind}, got "${text}".`);
  };
}

export const positive = real("a number above 0", (number) => number > 0);
export const notNegative = real("a number of at least 0", (number) => number >= 0);
export const properShare = real(
  "a share above 0 and below 1, such as 0.125",
  (number) => number > 0 && number < 1,
);

/** A parser of times such as 50m, 2h or 90s. @returns minutes */
export function minutes(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smh])$/.exec(text.trim()) ?? [];
  if (amount === undefined)
    throw new InvalidArgumentError(`Expected a time such as 50m or 2h, got "${text}".`);
  return Number(amount) * { s: 1 / 60, m: 1, h: 60 }[unit as "s" | "m" | "h"];
}
