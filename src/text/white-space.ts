/** @file White space as Unicode's property has it; JavaScript's own takes U+FEFF for white space and U+0085 for none. */

/** Every one of them is a single UTF-16 unit. */
const whiteSpace = /\p{White_Space}/u;

/** What Python strips: white space, and the four separators of ASCII. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are among what is stripped
export const pythonWhiteSpace = /[\p{White_Space}\x1c-\x1f]/u;

/** A text without white space at the ends named. Linear in time, which a pattern that ends in `+$` is not. */
export function strip(
  text: string,
  ends: "both" | "left" | "right" | "neither" = "both",
  space = whiteSpace,
): string {
  let [start, end] = [0, text.length];
  if (ends === "both" || ends === "left") while (start < end && space.test(text[start]!)) start++;
  if (ends === "both" || ends === "right") while (end > start && space.test(text[end - 1]!)) end--;
  return text.slice(start, end);
}

/** Every run of white space as one blank. */
export function collapse(text: string): string {
  return text.replace(/\p{White_Space}+/gu, " ");
}
