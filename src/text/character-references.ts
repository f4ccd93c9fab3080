/**
 * @file HTML's character references (`&eacute;`, `&#233;`) as Python reads them, which is where CLIP's captions were cleaned. The names
 * are those of the `entities` package; numbers follow Python, which drops controls that a browser keeps.
 */
import { decodeHTML, decodeHTMLStrict } from "entities";
import { windowsLetter } from "./one-byte-encodings.js";

/** A number, or letters and digits that might begin with a name; the semicolon may be missing. */
const reference = /&(?:#(?:x[0-9a-f]+|[0-9]+)|[a-z][a-z0-9]*);?/gi;

/** Only what ends in a semicolon and could be nothing else. */
const unambiguous = /&#?[0-9A-Za-z]+;/g;

/** Every reference replaced, those that lack their semicolon too, as Python's `html.unescape` does. */
export function unescapeHtml(text: string): string {
  return text.replace(reference, (found) => (found[1] === "#" ? numbered(found) : decodeHTML(found)));
}

/** References that are unmistakable replaced, names in capitals too (`&EACUTE;`), as ftfy does. */
export function unescapeUnambiguousHtml(text: string): string {
  return text.replace(unambiguous, (found) => {
    if (found[1] === "#") {
      const plain = unescapeHtml(found);
      return plain.includes(";") ? found : plain;
    }
    if (unescapeHtml(found) !== found || found !== found.toUpperCase()) return decodeHTMLStrict(found);
    const small = decodeHTMLStrict(found.toLowerCase());
    return small === found.toLowerCase() ? found : small.toUpperCase();
  });
}

function numbered(found: string): string {
  const digits = found.slice(2).replace(";", "");
  const code = /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 10);
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return "\ufffd";
  if (code >= 0x80 && code < 0xa0) return windowsLetter(code);
  return isDropped(code) ? "" : String.fromCodePoint(code);
}

/** Controls that are no white space, and code points that are no characters. */
function isDropped(code: number): boolean {
  const isControl = code < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d].includes(code);
  return isControl || code === 0x7f || (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
}
