/**
 * @file Mojibake: UTF-8 that somebody read in an encoding with a byte for each character ("sÃ³" for "só"), perhaps more than once. What
 * is repaired follows ftfy's documentation; how mojibake is told from text is our own: by the sequences that are well-formed UTF-8
 * when the letters are turned back into bytes, weighed by how odd they are as text.
 */
import {
  type Bytes,
  bytesOf,
  lostByte,
  type OneByteEncoding,
  oneByteEncodings,
  utf8Of,
  windowsLetter,
} from "./one-byte-encodings.js";

/** A text with its mojibake repaired, again and again until none is found. Every repair makes the text shorter or its controls fewer. */
export function repairMojibake(text: string): string {
  for (let now = text; ; ) {
    const repaired = repairOnce(now);
    if (repaired === now) return now;
    now = repaired;
  }
}

function repairOnce(text: string): string {
  if (!/[^\0-\x7f]/.test(text) || !looksBroken(text)) return text;
  for (const encoding of oneByteEncodings) {
    const bytes = bytesOf(encoding, text);
    const read = bytes === undefined ? undefined : utf8Of(restore(encoding, bytes));
    if (read !== undefined) return read;
  }
  return readControls(repairParts(text));
}

/** Latin-1's controls are what Windows has its quotation marks at. */
function readControls(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (control) => windowsLetter(control.charCodeAt(0)));
}

/** Where a blank or a lost byte may stand for a trail. Two-byte leads: those for which byte A0 makes a frequent letter. */
const blanked = /[\xc2\xc3\xc5\xce\xd0\xd7] |[\xe1-\xe3][ \x80-\xbf]{2}|\xf0[ \x80-\xbf]{3}/g;
const lossy =
  /[\xc2-\xdf][\ufffd\x80-\xbf]|[\xe0-\xef][\ufffd?\x80-\xbf]{2}|[\xf0-\xf4][\ufffd?\x80-\xbf]{3}/g;

/** Puts back what others took from the bytes: a blank was once byte A0, a lost byte makes its character U+FFFD. */
function restore({ name, losses }: OneByteEncoding, bytes: Bytes): Bytes {
  // On a Macintosh the leads are dashes and quotes, which do stand before blanks; "Ã la" has lost A0 and kept its blank.
  const spaced =
    name === "macintosh"
      ? bytes
      : bytes
          .replace(/\xc3 (?! )/g, "\xc3\xa0 ")
          .replace(blanked, (part) => (count(part, " ") === 1 ? part.replace(" ", "\xa0") : part));
  if (losses === "not-understood") return spaced;
  const hasLost = (part: string): boolean => part.includes(lostByte) || count(part, "?") === 1;
  return spaced
    .replace(lossy, (part) => (hasLost(part) ? unknownCharacter : part))
    .replaceAll(lostByte, unknownCharacter);
}

const count = (text: string, letter: string): number => text.split(letter).length - 1;

/** U+FFFD in UTF-8. */
const unknownCharacter = "\xef\xbf\xbd";

/** The encodings to look for parts in; their lead letters tell them apart. */
const sequences = oneByteEncodings
  .filter(({ name }) => !["latin-1", "iso-8859-2"].includes(name))
  .map((encoding) => ({ encoding, pattern: sequencePattern(encoding) }));

/** A run of letters that would be well-formed UTF-8 if they were bytes. */
function sequencePattern({ bytes, name }: OneByteEncoding): RegExp {
  const letters = (from: number, to: number): string => {
    const found = [...bytes].filter(([, byte]) => byte >= from && byte <= to).map(([letter]) => letter);
    const controls = name === "windows-1252" && from === 0x80 ? "\\x80-\\x9f" : "";
    return `[${found.join("")}${controls}]`;
  };
  const trail = letters(0x80, 0xbf);
  const one = `${letters(0xc2, 0xdf)}${trail}|${letters(0xe0, 0xef)}${trail}{2}|${letters(0xf0, 0xf4)}${trail}{3}`;
  return new RegExp(`(?:${one})+`, "gu");
}

/** Repairs the runs that are broken by themselves, in a text that is not broken all over. */
function repairParts(text: string): string {
  return sequences.reduce(
    (now, { pattern }) =>
      now.replace(pattern, (run) =>
        run.length < text.length && looksBroken(run) ? repairMojibake(run) : run,
      ),
    text,
  );
}

/** Two weak signs side by side are as good as a strong one. */
const strong = 2;

/** A lone lead letter whose byte A0 became a blank, or whose trail was lost; a Greek one amid a Latin word. */
const stump = /(?:^|[a-z] ?)[ÃÂ] |[ÃÂØÙ]\ufffd|â€\ufffd|[A-Za-z][ΒΓ][^\p{L}\p{N}\s]/u;

function looksBroken(text: string): boolean {
  if (/[\x80-\x9f]/.test(text) || stump.test(text)) return true;
  return sequences.some(({ encoding, pattern }) =>
    (text.match(pattern) ?? []).some(
      (run) => sequencesOf(encoding, run).reduce((sum, one) => sum + weigh(encoding, one), 0) >= strong,
    ),
  );
}

/** The lead and the trails of each sequence in a run. */
function sequencesOf({ bytes }: OneByteEncoding, run: string): string[][] {
  const found: string[][] = [];
  for (const letter of run) {
    if ((bytes.get(letter) ?? 0x80) >= 0xc0) found.push([letter]);
    else found.at(-1)!.push(letter);
  }
  return found;
}

/** Signs that do follow a letter in good text: closing quotes, dashes, marks. */
const closing = /[…’”–—›»®™´·°\u00a0\u00ad]/;

/** Signs that follow one where a blank is missing. */
const opening = /[¡¿«“‘„‚‹•©]/;

/** Letters that Ukrainian and Russian have in every sentence. */
const plainCyrillic = /[іїєґёІЇЄҐЁ]/;

const isLetter = (one: string): boolean => /\p{L}/u.test(one);

/** How odd a sequence is as text: 0 for what good text has, 1 for what it rarely has, {@link strong} for what it never has. */
function weigh({ name }: OneByteEncoding, [lead = "", ...trails]: readonly string[]): number {
  const western = name === "windows-1252" || name === "windows-1254";
  const oddities = trails.filter((trail) => !closing.test(trail) && !isLetter(trail));
  const odd = oddities.length > 0;
  const letters = trails.some(isLetter);
  if (trails.length === 3) return strong;
  if (lead === "×") return odd ? 1 : 0;
  if (/[ÃÂĂ]/.test(lead)) return /[…’”™]/.test(trails[0]!) ? 1 : strong;
  if (/[\p{Sm}\p{So}]/u.test(lead))
    return trails.every((trail) => /[\u2500-\u259f]/.test(trail)) ? 0 : strong;
  if (!isLetter(lead))
    return trails.length === 2 && trails.every((trail) => /\p{S}/u.test(trail)) ? strong : 0;
  const capitals = trails.some((trail) => trail !== trail.toLowerCase());
  if (/\p{Script=Cyrillic}/u.test(lead)) {
    if (trails.length === 2 && (capitals || oddities.length === 2)) return strong;
    return odd || trails.some((trail) => isLetter(trail) && !plainCyrillic.test(trail)) ? 1 : 0;
  }
  if (/\p{Script=Greek}/u.test(lead)) {
    if (oddities.length === 2 || trails.some((trail) => /[€\p{Script=Latin}]/u.test(trail))) return strong;
    return odd ? 1 : 0;
  }
  if (trails.length === 2) return odd || capitals ? strong : western && letters ? 1 : 0;
  if (odd) return (western || /[ĆĀ]/.test(lead)) && !opening.test(trails[0]!) ? strong : 1;
  return western && letters ? 1 : 0;
}
