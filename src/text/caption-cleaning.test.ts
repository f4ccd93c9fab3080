import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readOriginals, repairedOtherwise } from "../../test/fixtures/text/originals.js";
import { cleanCaption, repairText } from "./caption-cleaning.js";
import { unescapeHtml } from "./character-references.js";
import { longestCaptionCharacters } from "./tokenizer.js";

describe("cleaning a caption", () => {
  it("equals ftfy, html.unescape and lower case in Python on 5,000 captions, a few repairs of mojibake aside", () => {
    const { captions, cleaned } = readOriginals();
    const different = captions.flatMap((caption, i) =>
      cleanCaption(caption) === (cleaned[i] ?? caption) ? [] : [i],
    );
    expect(different).toEqual(repairedOtherwise);
  });

  it.each([
    ["HTML, twice", "Salt &amp;amp; pepper &lt;3 &EACUTE;", "salt & pepper <3 é"],
    ["white space", "  a\t\u3000 b\u00a0\n c ", "a b c"],
    ["width, ligatures, quotes", "Ｆｕｌｌ ﾊﾝｶｸ ﬁne ‘a’ “b”", "full ハンカク fine 'a' \"b\""],
    ["controls and colours", "a\u001b[31mb\u0000c\ufeffd\u007f", "abcd"],
    ["composition", "e\u0301", "é"],
    ["a final sigma", "ΟΔΟΣ", "οδος"],
  ])("sees to %s", (_, caption, clean) => {
    expect(cleanCaption(caption)).toBe(clean);
  });

  it("leaves references alone from the first line with markup on", () => {
    expect(repairText("&eacute;\n<b>&eacute;\n&eacute;")).toBe("é\n<b>&eacute;\n&eacute;");
  });
});

describe("repairing mojibake", () => {
  const samples = [
    "naïve café",
    "“quoted” — it’s…",
    "Привет мир",
    "ελληνικά",
    "中文字",
    "😀👍🏽",
    "ñandú à la carte",
    "Łódź żółć",
  ];

  it.each(["latin1", "windows"])("undoes one reading and two as %s", (reading) => {
    for (const sample of samples) {
      const once = misread(sample, reading);
      expect(repairText(once)).toBe(repairText(sample));
      expect(repairText(misread(once, reading))).toBe(repairText(sample));
    }
  });

  it.each([
    "CAFÉ™",
    "«ÉTÉ»",
    "MAÇÃ…",
    "Сіль і ґанок",
    "Њујорк",
    "2×½",
    "√2 ≈ 1.41",
    "été²",
    "¡OLÉ!",
    "ÆØÅ – ÅÄÖ",
    "PÂTÉ",
    "ČŠŽ",
    "ŻÓŁĆ",
    "naïve—no",
    "3×3",
    "É©",
    "SÃO PAULO",
    "─│┌┐",
    "╔═╗",
    "├── file",
    "Γειά «σου»",
    "ŁÓDŹ",
    "Đorđe",
    "ŒUVRE",
    "£5 – €6",
    "À LA CARTE",
    "Å",
    "IRMÃ?",
    "A Â B",
    "日本語",
    "ไทย",
    "Привет, «мир»",
  ])("leaves %s as it is", (good) => {
    expect(repairText(good)).toBe(good);
  });

  it("gives up the byte that is lost, and puts back the one that became a blank", () => {
    expect(repairText("â€œa quoteâ€\ufffd and voilÃ le travail")).toBe('"a quote\ufffd and voilà le travail');
  });

  it("repairs a part of a good text", () => {
    expect(repairText("日本語 cafÃ©")).toBe("日本語 café");
  });

  it("ends soon on any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => cleanCaption(text).length >= 0),
    );
    const hostile = ["&amp;", "&", "amp;", "Ã©", "ÃÂ", "\x80", "Ã ", "\n", " ", "<", "\u0301", "à¸"];
    for (const part of [...hostile, "&".padEnd(longestCaptionCharacters, "amp;")]) {
      const began = performance.now();
      cleanCaption(
        part.repeat(Math.ceil(longestCaptionCharacters / part.length)).slice(0, longestCaptionCharacters),
      );
      expect(performance.now() - began).toBeLessThan(5000);
    }
  });

  /** UTF-8 read with a byte for each character. */
  function misread(text: string, reading: string): string {
    const upper = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";
    return Array.from(Buffer.from(text), (byte) =>
      reading === "windows" && byte >= 0x80 && byte < 0xa0 ? upper[byte - 0x80] : String.fromCharCode(byte),
    ).join("");
  }
});

describe("character references", () => {
  it.each([
    ["&notit; &notin; &ampx &hellip", "¬it; ∉ &x &hellip"],
    ["&#128; &#x80; &#0; &#xD800; &#x110000; &#99999999999;", "€ € \ufffd \ufffd \ufffd \ufffd"],
    ["&#1;&#xFFFE;&#127; &#13;", " \r"],
    ["&; &#; &#x; &unknown;", "&; &#; &#x; &unknown;"],
  ])("are read as Python reads them: %s", (text, plain) => {
    expect(unescapeHtml(text)).toBe(plain);
  });
});
