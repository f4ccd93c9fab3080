import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expand, expandBraces } from "./location.js";

describe("braces", () => {
  it("stand for ranges with zeros and for lists, several in a pattern", () => {
    expect(expandBraces("{a,b}-{08..10}.tar")).toEqual([
      "a-08.tar",
      "a-09.tar",
      "a-10.tar",
      "b-08.tar",
      "b-09.tar",
      "b-10.tar",
    ]);
    expect(expandBraces("x{,y}")).toEqual(["x", "xy"]);
    expect(expandBraces("plain{0}")).toEqual(["plain{0}"]);
  });

  it("stand for as many names as they say", () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(60), fc.integer({ min: 1, max: 6 }), (first, more, width) => {
        const begin = String(first).padStart(width, "0");
        const names = expandBraces(`a{${begin}..${first + more}}b`);
        expect(names).toHaveLength(more + 1);
        expect(names.map((name) => Number(name.slice(1, -1)))).toEqual(
          Array.from({ length: more + 1 }, (_, i) => first + i),
        );
      }),
    );
  });

  it("are refused where they stand for too many names, or run backwards", () => {
    expect(() => expandBraces("{0..99999999999999999999}")).toThrow(/at most a million/);
    expect(() => expandBraces("{0..9999}{0..9999}")).toThrow(/at most a million/);
    expect(() => expandBraces("{5..4}")).toThrow(/not below its beginning/);
  });
});

describe("a location", () => {
  const folder = mkdtempSync(join(tmpdir(), "dream-location-"));
  for (const name of ["a/x-0.tar", "a/x-1.tar", "b/x-0.tar", "b/.hidden.tar", "b/y(1).tar"]) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
  const at = (...names: string[]): string[] => names.map((name) => join(folder, name));

  it("is followed through braces and wildcards, in the order of the names", () => {
    expect(expand(join(folder, "?/x-*.tar"))).toEqual(at("a/x-0.tar", "a/x-1.tar", "b/x-0.tar"));
    expect(expand(join(folder, "b/*.tar"))).toEqual(at("b/x-0.tar", "b/y(1).tar"));
    expect(expand(join(folder, "{b,a}/x-{0..0}.tar"))).toEqual(at("b/x-0.tar", "a/x-0.tar"));
    expect(expand(folder)).toEqual([folder]);
  });

  it("names what is missing", () => {
    expect(() => expand(join(folder, "a/x-{0..2}.tar"))).toThrow(/x-2\.tar/);
    expect(() => expand(join(folder, "c/*.tar"))).toThrow(/no such file/);
  });
});
