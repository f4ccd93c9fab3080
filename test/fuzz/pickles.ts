/** @file Pickles for the fuzzer: valid ones, damaged ones, ones with hostile parts put in, and streams of random operations. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { readFileBytes } from "../../src/formats/file-bytes.js";
import { indexZip } from "../../src/formats/zip-directory.js";

const fixtures = join(import.meta.dirname, "../fixtures/torch-file");

/** Random numbers of the fuzzer. */
export class Dice {
  readonly #generator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** A whole number below `bound`. */
  below(bound: number): number {
    return uniformInt(this.#generator, 0, bound - 1);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** What the fuzzer starts from. */
export interface Corpus {
  readonly pickles: readonly Uint8Array[];
  /** Bytes of the storages that most of the pickles refer to, by key. */
  readonly storages: ReadonlyMap<string, number>;
}

/** The pickles of the fixtures: inside archives, and bare. */
export async function fixtureCorpus(): Promise<Corpus> {
  const storages = new Map<string, number>();
  const pickles: Uint8Array[] = readdirSync(join(fixtures, "protocols")).map((name) =>
    Uint8Array.from(readFileSync(join(fixtures, "protocols", name))),
  );
  for (const name of ["written.pth", "uint16.pth", "complex64.pth", "torch-1.13.pth", "torch-2.6.pth"]) {
    const path = join(fixtures, name);
    for (const { name: entry, offset, size } of (await indexZip(path)).values()) {
      if (entry.endsWith("/data.pkl")) pickles.push(readFileBytes(path, offset, size));
      const [, key] = /\/data\/(\d+)$/.exec(entry) ?? [];
      if (key !== undefined) storages.set(key, size);
    }
  }
  return { pickles, storages };
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

/** Parts that do harm where an unpickler is careless. */
const hostile: readonly Uint8Array[] = [
  "cos\nsystem\n(X\x0f\0\0\0touch /tmp/ownedtR",
  "cposix\nsystem\n(S'touch /tmp/owned'\ntR",
  "cbuiltins\neval\n(X\x05\0\0\x001 + 1tR",
  "(S'touch /tmp/owned'\nios\nsystem\n",
  "(cos\nsystem\nS'touch /tmp/owned'\no",
  "ctorch.storage\n_load_from_bytes\n(U\x03abctR",
  "\x8c\x02os\x8c\x06system\x93",
  "ccopy_reg\n_reconstructor\n(c__main__\nA\nc__builtin__\nobject\nNtR",
  "c__proto__\nconstructor\n",
  "cconstructor\nprototype\n)\x81}(U\x09__proto__}(U\x01aK\x01uub",
  "cargparse\nNamespace\n)\x81}(U\x09__proto__}(U\x01aK\x01uub",
  "\x82\x01",
  "\x83\x01\x02",
  "\x84\x01\x02\x03\x04",
  "Pid\n",
  "X\xff\xff\xff\xff",
  "\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
  "\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
  "\x8b\xff\xff\xff\x7f",
  "\x95\xff\xff\xff\xff\xff\xff\xff\xff",
  "r\xff\xff\xff\xff",
  "j\xff\xff\xff\xff",
  `I${"9".repeat(5000)}\n`,
  "]q\x00h\x00a",
  "}q\x01(K\x01h\x01u",
  "]".repeat(300) + "a".repeat(299),
  `)${"\x85".repeat(300)}`,
  "(".repeat(300),
  "Finf\n",
  "Fconstructor\n",
].map(latin1);

/** Pieces of which random streams are made: most are whole operations with arguments that could be meant. */
const pieces: readonly Uint8Array[] = [
  ..."()]}N.012abdelostuRQ\x81\x85\x86\x87\x88\x89\x93\x94",
  ..."K\x00|K\x07|M\x00\x01|J\xff\xff\xff\xff|G\x3f\xf0\0\0\0\0\0\0|I12\n|L12L\n|F1.5\n|I01\n".split("|"),
  ..."U\x01a|U\x07storage|X\x01\0\0\x000|\x8c\x03cpu|Vtext\\u00fc\n|C\x02ab|B\x01\0\0\0a|\x8a\x01\x05".split(
    "|",
  ),
  ..."q\x00|q\x01|h\x00|h\x01|p0\n|g0\n|r\x01\0\0\0|j\x01\0\0\0".split("|"),
  ..."ctorch\nFloatStorage\n|ctorch\nLongStorage\n|ctorch.storage\nUntypedStorage\n|ctorch\nfloat32\n".split(
    "|",
  ),
  ..."ctorch._utils\n_rebuild_tensor_v2\n|ctorch._utils\n_rebuild_tensor_v3\n|ctorch._utils\n_rebuild_parameter\n".split(
    "|",
  ),
  ..."ccollections\nOrderedDict\n|ccollections\nOrderedDict\n)R|cargparse\nNamespace\n)\x81|ctorch\nSize\n|ctorch\ndevice\n".split(
    "|",
  ),
  ..."cnumpy\ndtype\n|cnumpy.core.multiarray\nscalar\n|c_codecs\nencode\n|U\x02f8|U\x06latin1".split("|"),
  "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x0ctQ",
  "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x0ctQK\x00K\x03\x85K\x04\x85\x89)tR",
  "cnumpy\ndtype\n(U\x02f8\x89\x88tR(K\x03U\x01<NNNtb",
].map(latin1);

/** Another pickle, most often a damaged one. */
export function fuzzedPickle(dice: Dice, { pickles }: Corpus): Uint8Array {
  if (dice.below(4) === 0) return randomStream(dice);
  let bytes = dice.pick(pickles);
  for (let count = 1 + dice.below(2); count > 0; count--) bytes = damaged(bytes, dice, pickles);
  return bytes;
}

function randomStream(dice: Dice): Uint8Array {
  const parts = Array.from({ length: 1 + dice.below(20) }, () =>
    dice.below(30) === 0 ? dice.pick(hostile) : dice.pick(pieces),
  );
  return Buffer.concat([latin1("\x80\x02("), ...parts, latin1("t.")]);
}

function damaged(bytes: Uint8Array, dice: Dice, pickles: readonly Uint8Array[]): Uint8Array {
  const at = dice.below(bytes.length + 1);
  const before = bytes.subarray(0, at);
  const after = bytes.subarray(at);
  switch (dice.below(8)) {
    case 0: {
      const flipped = Uint8Array.from(bytes);
      if (at < flipped.length) flipped[at]! ^= 1 << dice.below(8);
      return flipped;
    }
    case 1:
      return Buffer.concat([before, dice.bytes(1), after.subarray(1)]);
    case 2:
      return Buffer.concat([before, after.subarray(dice.below(20))]);
    case 3:
      return Buffer.concat([before, before.subarray(-dice.below(30)), after]);
    case 4: {
      const other = dice.pick(pickles);
      const from = dice.below(other.length + 1);
      return Buffer.concat([before, other.subarray(from, from + dice.below(60)), after]);
    }
    case 5:
      return Buffer.concat([before, dice.pick(hostile), after]);
    case 6:
      return Buffer.concat([before, dice.pick(pieces), after]);
    default:
      return dice.below(4) === 0 ? Uint8Array.from(before) : bytes;
  }
}
