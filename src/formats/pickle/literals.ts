/** @file Numbers and text as pickles write them. */
import type { PickleCursor } from "./cursor.js";

/** Longer integers are refused: no number of a checkpoint needs them, and their arithmetic is slow. */
const maximumIntegerBytes = 64;
const maximumIntegerDigits = 154;

/** Little endian, two's complement. */
export function integerOfBytes(bytes: Uint8Array, cursor: PickleCursor): number | bigint {
  if (bytes.length > maximumIntegerBytes)
    throw cursor.refuse(`an integer of at most ${maximumIntegerBytes} bytes`, `${bytes.length}`);
  if (bytes.length === 0) return 0;
  const digits = Buffer.from(bytes).reverse().toString("hex");
  return numberWhereExact(BigInt.asIntN(8 * bytes.length, BigInt(`0x${digits}`)));
}

/** Decimal digits; `00` and `01` are protocol 0's False and True. */
export function integerOfText(text: string, cursor: PickleCursor): number | bigint | boolean {
  if (text === "00" || text === "01") return text === "01";
  if (!/^[+-]?\d+$/.test(text) || text.length > maximumIntegerDigits)
    throw cursor.refuse("an integer in digits", JSON.stringify(text.slice(0, 40)));
  return numberWhereExact(BigInt(text.replace(/^\+/, "")));
}

/** Digits of a key of the memo. */
export function wholeOfText(cursor: PickleCursor): number {
  const text = cursor.line();
  if (!/^\d{1,10}$/.test(text)) throw cursor.refuse("a number in digits", JSON.stringify(text.slice(0, 40)));
  return Number(text);
}

const unwritable = new Map([
  ["inf", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
  ["nan", Number.NaN],
]);

/** As Python's `repr` writes a float. */
export function floatOfText(text: string, cursor: PickleCursor): number {
  const named = unwritable.get(text);
  if (named !== undefined) return named;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text))
    throw cursor.refuse("a float in digits", JSON.stringify(text.slice(0, 40)));
  return Number(text);
}

/** Text in quotes, as protocol 0 wrote it in Python 2; escapes are not read. */
export function quotedText(line: string, cursor: PickleCursor): string {
  const [, , text] = /^(['"])([^'"\\]*)\1$/.exec(line) ?? [];
  if (text === undefined) throw cursor.refuse("text in quotes, without escapes", "another line");
  return text;
}

/** Latin-1 with `\uXXXX` and `\UXXXXXXXX`: protocol 0's text. */
export function escapedText(bytes: Uint8Array, cursor: PickleCursor): string {
  const text = Buffer.from(bytes).toString("latin1");
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short?: string, long?: string) => {
    const point = Number.parseInt(short ?? long!, 16);
    if (point > 0x10ffff) throw cursor.refuse("a character of Unicode", `number ${point}`);
    return String.fromCodePoint(point);
  });
}

function numberWhereExact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
