import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DreamError } from "../../errors.js";
import { buildPython, pythonGlobals } from "./python.js";
import { readPickle } from "./read.js";
import { isTuple, Namespace, type PickleValue } from "./value.js";

const fixtures = join(import.meta.dirname, "../../../test/fixtures/torch-file");

function read(pickle: string | Uint8Array): PickleValue {
  const bytes = typeof pickle === "string" ? Buffer.from(pickle, "latin1") : pickle;
  return readPickle(
    bytes,
    { path: "some.pth", part: "data.pkl" },
    {
      globals: pythonGlobals(),
      persistent: (_, refuse) => {
        throw refuse("no ids", "one");
      },
      build: buildPython,
      reads: "plain data",
    },
  );
}

/** That a pickle is refused as a file's fault, quickly. */
function expectRefused(pickle: string | Uint8Array, message: RegExp): void {
  const start = performance.now();
  let error: unknown;
  try {
    read(pickle);
  } catch (cause) {
    error = cause;
  }
  expect(error).toBeInstanceOf(DreamError);
  expect((error as DreamError).message).toMatch(message);
  expect((error as DreamError).message.length).toBeLessThan(500);
  expect(performance.now() - start).toBeLessThan(10_000);
}

describe("a pickle", () => {
  it.each([0, 1, 2, 3, 4, 5])("of protocol %d gives the same data", (protocol) => {
    const value = read(readFileSync(join(fixtures, "protocols", `${protocol}.pkl`))) as Map<string, unknown>;
    expect(value).toEqual(
      new Map<string, unknown>([
        ["list", [1, 2.5, -(2 ** 40), 2n ** 70n, true, null]],
        ["text", "ü 🎨 \\"],
        ["tuple", [1, [2, 3, 4], []]],
        ["same", [[0], [0]]],
      ]),
    );
    expect(isTuple(value.get("tuple"))).toBe(true);
    expect(isTuple(value.get("list"))).toBe(false);
    const [first, second] = value.get("same") as unknown[];
    expect(first).toBe(second);
  });

  it("keeps keys that mean something in JavaScript as mere keys", () => {
    const value = read("cargparse\nNamespace\n)\x81}(U\x09__proto__}(U\x05ownedK\x01uub.");
    expect(value).toBeInstanceOf(Namespace);
    expect([...(value as Namespace).keys()]).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).owned).toBeUndefined();
    expectRefused("Fconstructor\n.", /expected a float in digits, got "constructor" at byte 0 of data\.pkl/);
    expectRefused("c__proto__\nconstructor\n.", /refuses `__proto__\.constructor`/);
  });

  it("names what it refuses, on one line and without control characters", () => {
    expectRefused(
      "cos\nsystem\n.",
      /^read some\.pth: refuses `os\.system` at byte 0 of data\.pkl\. Only plain data/,
    );
    expectRefused("c\x1b[2Jos\nsys\x07tem\n.", /refuses "\\u001b\[2Jos\.sys\\u0007tem"/);
    expectRefused(`c${"a".repeat(500)}\nb\n.`, /refuses `a{80}\.\.\.`/);
  });

  it.each<[string, string, RegExp]>([
    ["an extension", "\x82\x01.", /known operation, got code 0x82/],
    ["an id as text", "Pid\n.", /known operation, got code 0x50/],
    ["a class as data", "ccollections\nOrderedDict\n.", /expected data, got `collections\.OrderedDict`/],
    ["a call of data", "K\x01)R.", /expected something to call, got 1/],
    ["arguments that are no tuple", "ccollections\nOrderedDict\n]R.", /expected a tuple/],
    ["arguments too many", "ccollections\nOrderedDict\nK\x01\x85R.", /expected no arguments, got 1/],
    ["a state of data", "}}b.", /expected something that takes a state, got a dict of 0/],
    ["a dict as key", "}}K\x01s.", /as key, got a dict of 0/],
    ["a key without a value", "}(K\x01u.", /a key without a value/],
    ["an append to a tuple", ")K\x01a.", /expected a list, got a tuple of 0/],
    ["too short a stack", "a.", /expected something on the stack/],
    ["a stack below a mark", "]N(a.", /expected something on the stack/],
    ["no mark", "t.", /expected a mark/],
    ["two values at the end", "NN.", /expected one value at the end, got 2/],
    ["bytes after the end", "N.N", /expected the end, got 1 more bytes/],
    ["no end", "N", /expected 1 bytes, got 0 left/],
    ["nothing remembered", "h\x05.", /number 5, which was not remembered/],
    ["a protocol of the future", "\x80\x06.", /protocol 6/],
    ["text that is no UTF-8", "X\x01\0\0\0\xff.", /expected text in UTF-8/],
    ["a character beyond Unicode", "V\\U00110000\n.", /character of Unicode/],
    ["a number that is none", "I1e5\n.", /integer in digits/],
  ])("is refused for %s", (_, pickle, message) => expectRefused(pickle, message));

  it("takes no more memory than its bytes allow", () => {
    expectRefused("X\xff\xff\xff\xff.", /expected 4294967295 bytes, got 1 left/);
    expectRefused("\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.", /bytes, got 1 left/);
    expectRefused("\x8b\xff\xff\xff\x7f.", /got 1 left/);
    expectRefused("\x95\xff\xff\xff\xff\xff\xff\xff\xff.", /a frame of/);
    expectRefused(`\x8b\x00\x10\x00\x00${"a".repeat(4096)}.`, /an integer of at most 64 bytes/);
    expectRefused(`I${"9".repeat(800)}\n.`, /an integer in digits/);
    expectRefused(`I${"9".repeat(8000)}\n.`, /a line of at most 1024 bytes/);
    expectRefused(Buffer.alloc(2_500_000, "}"), /at most 2000000 operations/);
    expectRefused(Buffer.alloc(2_500_000, "("), /at most 2000000 operations/);
  });

  it("takes no more time or memory for what is meant again and again", () => {
    // One text as bytes, or one dict as the attributes of a namespace, a hundred thousand times.
    const text = `c_codecs\nencode\nq\x00X\x00\x00\x10\x00${"a".repeat(1 << 20)}q\x01U\x06latin1q\x02`;
    expectRefused(`${text}${"h\x00h\x01h\x02\x86R".repeat(100_000)}.`, /at most 67108864 bytes/);
    const dict = Array.from({ length: 10_000 }, (_, i) => `U\x04${String(i).padStart(4, "0")}N`).join("");
    const state = `cargparse\nNamespace\nq\x00}(${dict}uq\x01`;
    expectRefused(`${state}${"h\x00)\x81h\x01b".repeat(100_000)}.`, /at most 2000000 operations/);
  });

  it("gives data that can be walked: neither deep, nor inside itself, nor without end", () => {
    expectRefused(`)${"\x85".repeat(1_000_000)}.`, /data at most 200 deep/);
    expectRefused(`${"]".repeat(201)}${"a".repeat(200)}.`, /data at most 200 deep/);
    expect(read(`${"]".repeat(199)}${"a".repeat(198)}.`)).toHaveLength(1);
    expectRefused("]q\x00h\x00a.", /a list of 1 that contains itself/);
    expectRefused("}q\x00K\x01h\x00s.", /a dict of 1 that contains itself/);
    // A list of two lists of two lists ... : 2^60 of them when walked.
    const key = (i: number): string => String.fromCharCode(i);
    const doubled = Array.from({ length: 60 }, (_, i) => `](h${key(i)}h${key(i)}eq${key(i + 1)}0`);
    expectRefused(`]q\x000${doubled.join("")}h${key(60)}.`, /at most 16000000 values/);
  });

  it("gives numpy's single numbers as numbers", () => {
    const scalar = (type: string, bytes: string): string =>
      `cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02${type}\x89\x88tR(K\x03U\x01<NNNtbc_codecs\nencode\n(X${String.fromCharCode(Buffer.byteLength(bytes, "utf8"))}\0\0\0${Buffer.from(bytes, "utf8").toString("latin1")}U\x06latin1tRtR.`;
    expect(read(scalar("f8", "\0\0\0\0\0\0\xc0\x3f"))).toBe(0.125);
    expect(read(scalar("i8", "\xfd\xff\xff\xff\xff\xff\xff\xff"))).toBe(-3);
    expect(read(scalar("b1", "\x01"))).toBe(true);
    expectRefused(scalar("f8", "\0"), /expected 8 bytes, little endian, got 1/);
    expectRefused(scalar("O8", "\0"), /a numpy type of one number, got `O8`/);
  });
});
