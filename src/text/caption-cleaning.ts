/**
 * @file What CLIP's lineage does to a caption before it is cut into tokens: ftfy's repairs with their default settings (by its
 * documentation; the repair of mojibake is our own), HTML unescaped twice, white space collapsed, lower case.
 */
import { unescapeHtml, unescapeUnambiguousHtml } from "./character-references.js";
import { repairMojibake } from "./mojibake.js";
import { collapse, strip } from "./white-space.js";

/** A caption as CLIP's tokenizer reads it. */
export function cleanCaption(caption: string): string {
  const plain = unescapeHtml(unescapeHtml(repairText(caption)));
  return strip(collapse(plain)).toLowerCase();
}

/** Repairs a text line by line, each until nothing changes; from the first line with "<" on, references are taken as markup. */
export function repairText(text: string): string {
  if (/^[\x20-\x25\x27-\x7e]*$/.test(text)) return text;
  let references: "unescape" | "leave" = "unescape";
  return (text.match(/[^\n]*\n|[^\n]+/g) ?? [])
    .map((line) => {
      if (line.includes("<")) references = "leave";
      return repairLine(line, references);
    })
    .join("");
}

/** Each round takes one layer off; only a hostile text has more (`&amp;amp;amp;...`), and the rest of its layers stay. */
const mostRounds = 24;

function repairLine(line: string, references: "unescape" | "leave"): string {
  let now = line;
  for (let round = 0; round < mostRounds; round++) {
    const plain = references === "unescape" ? unescapeUnambiguousHtml(now) : now;
    const next = steps.reduce((text, step) => step(text), repairMojibake(plain));
    if (next === now) break;
    now = next;
  }
  return now;
}

const steps: readonly ((text: string) => string)[] = [
  // Ligatures, and letters that are two for the sake of an old encoding.
  (text) =>
    text.replace(/[\u0132\u0133\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb04\ufb06]/g, (one) =>
      one.normalize("NFKC"),
    ),
  (text) => text.replaceAll("\u0149", "\u02bcn").replaceAll("\ufb05", "\u017ft"),
  // Full and half width.
  (text) => text.replace(/[\u3000\uff01-\uffef]/g, (one) => one.normalize("NFKC")),
  (text) => text.replace(/[\u201c-\u201f]/g, '"').replace(/[\u02bc\u2018-\u201b]/g, "'"),
  (text) => text.replace(/\r\n|[\r\u2028\u2029\u0085]/g, "\n"),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal begin with one
  (text) => text.replace(/\x1b\[[\d;]*[a-zA-Z]/g, ""),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  (text) => text.replace(/[\0-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g, ""),
  (text) => text.normalize("NFC"),
];
