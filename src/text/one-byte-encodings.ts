/** @file Encodings with a byte for each character, in which UTF-8 is often misread; text to bytes and back. */

/** Bytes as a string of code units under 256; {@link lostByte} stands for one that nobody knows any more. */
export type Bytes = string;

export interface OneByteEncoding {
  readonly name: string;
  /** Whether U+FFFD is understood as a byte that was lost. */
  readonly losses: "understood" | "not-understood";
  /** The byte of a character from U+0080 on. */
  readonly bytes: ReadonlyMap<string, number>;
}

export const lostByte = "\ufffd";

const upperHalf = Uint8Array.from({ length: 128 }, (_, i) => 0x80 + i);

const latin1 = Array.from(upperHalf, (byte) => String.fromCharCode(byte)).join("");

/** The upper half of IBM's code page 437, which no TextDecoder knows. */
const codePage437 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

function encoding(name: string, upper: string, losses: OneByteEncoding["losses"]): OneByteEncoding {
  // A byte without a character reads as a control, as sloppy decoders do it.
  const bytes = new Map([...upper].map((letter, i) => [letter === "\ufffd" ? latin1[i]! : letter, 0x80 + i]));
  return { name, losses, bytes };
}

function standard(name: string, losses: OneByteEncoding["losses"]): OneByteEncoding {
  return encoding(name, new TextDecoder(name).decode(upperHalf), losses);
}

/** The upper half of Windows-1252. Node's TextDecoder reads it as Latin-1 in some of its versions. */
const windows1252 = `€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ${latin1.slice(0x20)}`;

/** What Windows-1252 has where Latin-1 has its second set of controls. @param byte 0x80 to 0x9f */
export function windowsLetter(byte: number): string {
  return windows1252[byte - 0x80]!;
}

/** Most likely first. */
export const oneByteEncodings: readonly OneByteEncoding[] = [
  encoding("latin-1", latin1, "not-understood"),
  encoding("windows-1252", windows1252, "understood"),
  ...["windows-1251", "windows-1250", "windows-1253", "windows-1254", "windows-1257"].map((name) =>
    standard(name, "understood"),
  ),
  standard("iso-8859-2", "not-understood"),
  standard("macintosh", "not-understood"),
  encoding("cp437", codePage437, "not-understood"),
];

/** A text's bytes, or undefined where the encoding cannot have given it. */
export function bytesOf({ bytes, losses }: OneByteEncoding, text: string): Bytes | undefined {
  let found = "";
  for (const letter of text) {
    const code = letter.codePointAt(0)!;
    if (letter === lostByte && losses === "understood") found += lostByte;
    else if (code < 0x80) found += letter;
    else {
      const byte = bytes.get(letter);
      if (byte === undefined) return undefined;
      found += String.fromCharCode(byte);
    }
  }
  return found;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes read as UTF-8, with the two variants that Java writes; undefined where they are none. */
export function utf8Of(bytes: Bytes): string | undefined {
  const standardised = bytes
    .replace(/\xc0\x80/g, "\0")
    .replace(/\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]/g, (pair) => {
      const half = (at: number): number =>
        0xd000 + ((pair.charCodeAt(at) & 0x3f) << 6) + (pair.charCodeAt(at + 1) & 0x3f);
      return Buffer.from(String.fromCharCode(half(1), half(4))).toString("latin1");
    });
  try {
    return strictUtf8.decode(Buffer.from(standardised, "latin1"));
  } catch {
    return undefined;
  }
}
