import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DreamError } from "../../errors.js";
import {
  isTuple,
  Namespace,
  OrderedDict,
  PickleLeaf,
  type PickleValue,
  PythonFloat,
  tuple,
} from "../pickle/value.js";
import { openSafetensors } from "../safetensors.js";
import { indexZip } from "../zip-directory.js";
import { TorchTensor } from "./tensor.js";
import { openTorchFile, writeTorchFile } from "./torch-file.js";

const fixtures = join(import.meta.dirname, "../../../test/fixtures/torch-file");
const folder = mkdtempSync(join(tmpdir(), "dream-torch-"));

/** A value as `expected-*.json` writes it, and its tensors by path. */
function flat(value: PickleValue, tensors: Map<string, TorchTensor>, path = ""): unknown {
  if (value instanceof TorchTensor) {
    tensors.set(path, value);
    return { tensor: path };
  }
  if (value instanceof Map)
    return { dict: [...value].map(([key, one]) => [key, flat(one, tensors, `${path}/${String(key)}`)]) };
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (value instanceof PickleLeaf) return { name: value.description };
  if (typeof value === "bigint") return { bigint: String(value) };
  if (value === Number.POSITIVE_INFINITY) return { infinity: true };
  if (value !== null && typeof value === "object")
    return { list: value.map((one, i) => flat(one, tensors, `${path}/${i}`)) };
  return { value };
}

describe("a PyTorch file", () => {
  it.each(["2.6", "1.13"])("of version %s is read as data, its tensors to the bit", async (version) => {
    const { value } = await openTorchFile(join(fixtures, `torch-${version}.pth`));
    const tensors = new Map<string, TorchTensor>();
    expect(flat(value, tensors)).toEqual(
      JSON.parse(readFileSync(join(fixtures, `expected-${version}.json`), "utf8")),
    );
    const expected = openSafetensors(join(fixtures, `expected-${version}.safetensors`)).tensors;
    expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, { dtype, shape, bytes }] of expected) {
      const tensor = tensors.get(name)!;
      expect([tensor.dtype, tensor.shape, tensor.bytes()], name).toEqual([dtype, shape, bytes()]);
    }
    const dict = value as Map<string, PickleValue>;
    expect(dict.get("args")).toBeInstanceOf(Namespace);
    expect(dict.get("model")).toBeInstanceOf(OrderedDict);
    expect(({} as Record<string, unknown>).harmless).toBeUndefined();
  });

  const hostile: [string, string][] = Object.entries(
    JSON.parse(readFileSync(join(fixtures, "hostile/hostile.json"), "utf8")),
  );
  it.each(hostile)("that would run code is refused by name: %s (%s)", async (name, refused) => {
    const path = join(fixtures, "hostile", `${name}.pth`);
    const error = await openTorchFile(path).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(DreamError);
    expect((error as DreamError).code).toBe("format");
    expect(String(error)).toContain(`read ${path}: refuses \`${refused}\` at byte `);
    expect(existsSync("/tmp/owned")).toBe(false);
  });

  it.each([
    ["legacy", /a bare pickle, as older versions made\. Save it again with a newer PyTorch/],
    ["script", /a program of torch\.jit\.save/],
    ["uint16", /refuses `torch\.uint16` .*Only plain data and tensors of float64/],
    ["complex64", /refuses `torch\.ComplexFloatStorage`/],
  ])("of another kind is told what it is: %s", async (name, message) => {
    await expect(openTorchFile(join(fixtures, `${name}.pth`))).rejects.toThrow(message);
  });

  it("that is no archive at all, or is not there, is told by name", async () => {
    const path = join(folder, "text.pth");
    writeFileSync(path, "hello, this is a text");
    await expect(openTorchFile(path)).rejects.toThrow(/text\.pth: expected a zip archive.*another format/);
    writeFileSync(path, "");
    await expect(openTorchFile(path)).rejects.toMatchObject({ code: "format" });
    await expect(openTorchFile(join(folder, "none.pth"))).rejects.toMatchObject({ code: "io" });
  });

  it("cut short at any byte is refused", async () => {
    const whole = readFileSync(join(fixtures, "uint16.pth"));
    const path = join(folder, "cut.pth");
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      await expect(openTorchFile(path), `${length} bytes`).rejects.toMatchObject({ code: "format" });
    }
  });
});

const float32 = (...numbers: number[]): TorchTensor =>
  new TorchTensor("F32", [numbers.length], () => new Uint8Array(Float32Array.from(numbers).buffer));

/** Some of everything that can be written. */
function everything(): PickleValue {
  const weight = float32(1, 2, 3.5);
  return new Map<string, PickleValue>([
    ["model", new OrderedDict([["weight", weight]])],
    ["same", weight],
    ["scalar", new TorchTensor("I64", [], () => new Uint8Array(BigInt64Array.of(-5n).buffer))],
    ["empty", new TorchTensor("BOOL", [0, 3], () => new Uint8Array(0))],
    ["half", new TorchTensor("BF16", [2, 1], () => Uint8Array.of(0x80, 0x3f, 0, 0xc0))],
    ["values", [null, true, false, 0, -1, 255, 256, -(2 ** 31), 2 ** 40, 2n ** 70n, 1.5, Number.NaN, "ü 🎨"]],
    ["float", new PythonFloat(0)],
    ["tuple", tuple([0.9, 0.95])],
    ["bytes", Uint8Array.of(0, 255)],
    ["by number", new Map([[3, [tuple([])]]])],
  ]);
}

/** The same with what PyTorch reads only where it is told to trust the file. */
const withArguments = (): PickleValue =>
  new Map([...(everything() as Map<string, PickleValue>), ["args", new Namespace([["model", "dream"]])]]);

/** What Python must say of {@link withArguments} (first), {@link everything}, and a state dict. */
const check = String.raw`
import sys, math, torch
trusted = torch.load(sys.argv[1], weights_only=False)
assert trusted["args"].model == "dream"
# That of 1.13 knows no floats.
d = torch.load(sys.argv[2], weights_only=torch.__version__ >= "2")
assert torch.load(sys.argv[3], weights_only=True)["weight"].tolist() == [1, 2, 3.5]
assert list(trusted) == [*d, "args"]
w = d["model"]["weight"]
assert type(d["model"]).__name__ == "OrderedDict" and w.tolist() == [1, 2, 3.5] and w.dtype == torch.float32
assert w.data_ptr() == d["same"].data_ptr()
assert d["scalar"].shape == () and d["scalar"].item() == -5 and d["scalar"].dtype == torch.int64
assert d["empty"].shape == (0, 3) and d["empty"].dtype == torch.bool
assert d["half"].dtype == torch.bfloat16 and d["half"].tolist() == [[1.0], [-2.0]]
v = d["values"]
assert v[:11] == [None, True, False, 0, -1, 255, 256, -2**31, 2**40, 2**70, 1.5] and math.isnan(v[11])
assert v[12] == "\u00fc \U0001f3a8" and [type(x) for x in v[:4]] == [type(None), bool, bool, int]
assert d["float"] == 0 and type(d["float"]) is float and d["tuple"] == (0.9, 0.95)
assert trusted["bytes"] == b"\x00\xff" and d["by number"] == {3: [()]}
`;

/** A Python with PyTorch, where there is one. */
const python = ["python3", "/usr/bin/python3"].find((program) => {
  try {
    execFileSync(program, ["-c", "import torch"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

describe("writing a PyTorch file", () => {
  it("gives the bytes that were checked with PyTorch 1.13 and 2.6", async () => {
    const path = join(folder, "written.pth");
    await writeTorchFile(path, withArguments());
    expect(readFileSync(path).equals(readFileSync(join(fixtures, "written.pth")))).toBe(true);
  });

  it.skipIf(python === undefined)(
    "makes a file that this machine's PyTorch opens (only where there is one)",
    async () => {
      const path = join(folder, "for-python.pth");
      const plain = join(folder, "for-python-plain.pth");
      const state = join(folder, "for-python-state.pth");
      await writeTorchFile(path, withArguments());
      await writeTorchFile(plain, everything());
      await writeTorchFile(state, new OrderedDict([["weight", float32(1, 2, 3.5)]]));
      execFileSync(python!, ["-c", check, path, plain, state]);
    },
  );

  it("comes back as it was", async () => {
    const path = join(folder, "round.pth");
    await fc.assert(
      fc.asyncProperty(dict, async (value) => {
        await writeTorchFile(path, value);
        const { value: back } = await openTorchFile(path);
        expect(comparable(back)).toEqual(comparable(value));
      }),
      { numRuns: 100 },
    );
  });

  it("leaves no partial file behind when a tensor fails", async () => {
    const broken = new TorchTensor("F32", [1], () => {
      throw new Error("the engine said no");
    });
    const path = join(folder, "failed", "model.pth");
    await expect(writeTorchFile(path, [broken])).rejects.toThrow(/the engine said no/);
    expect(existsSync(path)).toBe(false);
  });

  it("is noticed where a byte of a tensor changed", async () => {
    const path = join(folder, "flipped.pth");
    await writeTorchFile(path, new Map([["weight", float32(1, 2, 3.5)]]));
    const entry = (await indexZip(path)).get("archive/data/0")!;
    const bytes = readFileSync(path);
    bytes[entry.offset + 5]! ^= 1;
    writeFileSync(path, bytes);
    const { value } = await openTorchFile(path);
    const weight = (value as Map<string, TorchTensor>).get("weight")!;
    expect(() => weight.bytes()).toThrow(/flipped\.pth: expected archive\/data\/0 as it was written/);
  });
});

const sizes = { F32: 4, I64: 8, BF16: 2, BOOL: 1 } as const;
const tensor = fc
  .record({
    dtype: fc.constantFrom("F32", "I64", "BF16", "BOOL" as const),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
  })
  .chain(({ dtype, shape }) => {
    const length = shape.reduce((product, size) => product * size, sizes[dtype]);
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => new TorchTensor(dtype, shape, () => bytes));
  });
const key = fc.oneof(fc.string({ unit: "grapheme" }), fc.integer(), fc.constant("__proto__"));
const { dict } = fc.letrec<{ value: PickleValue; dict: Map<string | number, PickleValue> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 100n }),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array(),
    tensor,
    fc.array(tie("value")),
    fc.array(tie("value")).map(tuple),
    tie("dict"),
  ),
  dict: fc
    .tuple(fc.constantFrom(Map, OrderedDict), fc.array(fc.tuple(key, tie("value"))))
    .map(([Kind, items]) => new Kind(items) as Map<string | number, PickleValue>),
}));

/** A value with its tensors read, its tuples and kinds of dicts named. */
function comparable(value: PickleValue): unknown {
  if (value instanceof TorchTensor) return [value.dtype, value.shape, [...value.bytes()]];
  if (value instanceof Map)
    return { kind: value.constructor.name, items: [...value].map(([k, one]) => [k, comparable(one)]) };
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return { tuple: isTuple(value), items: value.map(comparable) };
  return value;
}
