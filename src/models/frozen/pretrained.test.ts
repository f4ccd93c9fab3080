import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DreamError } from "../../errors.js";
import { Linear, Module, writeState } from "../../nn/index.js";
import { type Device, liveTensorCount, randn, type Tensor } from "../../tensor/index.js";
import { type FrozenOptions, frozenModel, openPretrained, parseConfig, selectWeights } from "./pretrained.js";

class TwoLayers extends Module {
  readonly first: Linear;
  readonly second: Linear;

  constructor(width: number, device: Device) {
    super();
    this.first = new Linear(width, width, device);
    this.second = new Linear(width, width, device);
  }
}

const keys = ["first.weight", "first.bias", "second.weight", "second.bias"];

function stateOf(width: number): [string, Tensor][] {
  return keys.map((key) => [key, randn(key.endsWith("weight") ? [width, width] : [width])]);
}

/** A folder with a config, and files of weights by name. */
async function folderWith(files: Readonly<Record<string, readonly [string, Tensor][]>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "dream-pretrained-"));
  writeFileSync(join(folder, "config.json"), '{"width": 4, "depth": "two"}');
  for (const [name, state] of Object.entries(files)) await writeState(join(folder, name), state);
  return folder;
}

function writeIndex(folder: string, weightMap: unknown): void {
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
}

function open(folder: string, options: FrozenOptions = {}, width = 4): TwoLayers {
  return frozenModel(
    (device) => new TwoLayers(width, device),
    (path) => path,
    openPretrained(folder).weights,
    options,
  );
}

function numbersOf(model: Module): number[][] {
  return [...model.namedTensors()].map(([, tensor]) => tensor.toNumbers());
}

describe("a folder of a frozen model", () => {
  it("gives its weights to a model at rest, to which no gradients flow", async () => {
    const state = stateOf(4);
    for (const name of ["model.safetensors", "diffusion_pytorch_model.safetensors"]) {
      const model = open(await folderWith({ [name]: state }));
      expect(numbersOf(model)).toEqual(state.map(([, tensor]) => tensor.toNumbers()));
      expect(model.parameters()).toEqual([]);
      expect([...model.modules()].map(({ mode }) => mode)).toEqual(["eval", "eval", "eval"]);
    }
  });

  it("may be in shards", async () => {
    const state = stateOf(4);
    const folder = await folderWith({
      "model-00001-of-00002.safetensors": state.slice(0, 3),
      "model-00002-of-00002.safetensors": state.slice(3),
    });
    writeIndex(
      folder,
      Object.fromEntries(keys.map((key, i) => [key, `model-0000${i < 3 ? 1 : 2}-of-00002.safetensors`])),
    );
    expect(numbersOf(open(folder))).toEqual(state.map(([, tensor]) => tensor.toNumbers()));
    writeIndex(folder, {
      ...Object.fromEntries(keys.map((key) => [key, "model-00001-of-00002.safetensors"])),
    });
    expect(() => open(folder)).toThrow(
      /00001-of-00002\.safetensors: expected tensor 'second\.bias', got none/,
    );
  });

  it("is read in the folder alone, whatever its index says", async () => {
    const state = stateOf(4);
    const outside = await folderWith({ "model.safetensors": state });
    const folder = join(outside, "inside");
    mkdirSync(folder);
    writeFileSync(join(folder, "config.json"), "{}");
    for (const file of [
      "../model.safetensors",
      "..\\model.safetensors",
      join(outside, "model.safetensors"),
      "inside/../../model.safetensors",
      ".safetensors\0",
      "model.bin",
    ]) {
      writeIndex(folder, Object.fromEntries(keys.map((key) => [key, file])));
      expect(() => open(folder), file).toThrow(/names of safetensors files in the same folder/);
    }
  });

  it("whose index is anything else is an error that says so", async () => {
    const folder = await folderWith({ "model.safetensors": stateOf(4) });
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        writeFileSync(join(folder, "model.safetensors.index.json"), text);
        expect(() => open(folder)).toThrow(DreamError);
      }),
      { numRuns: 200 },
    );
  });

  it("that lacks a weight, has one too many or one of another shape is refused with all of them", async () => {
    const [first, , ...rest] = stateOf(4);
    const folder = await folderWith({
      "model.safetensors": [
        first!,
        ...rest.slice(1),
        ["second.weight", randn([4, 5])],
        ["third", randn([1])],
      ],
    });
    expect(() => open(folder)).toThrow(
      /model\.safetensors: 1 missing: first\.bias; 1 unexpected: third; 1 expected: second\.weight \[4, 4\] but found \[4, 5\]/,
    );
  });

  it("without weights or a config says what is missing", async () => {
    const empty = await folderWith({});
    expect(() => openPretrained(empty)).toThrow(/expected model\.safetensors or diffusion_pytorch_model/);
    expect(() => openPretrained(join(empty, "none"))).toThrow(/config\.json: ENOENT/);
    writeFileSync(join(empty, "config.json"), "{");
    expect(() => openPretrained(empty)).toThrow(/read .*config\.json: .*JSON/);
  });

  it("has a config that is checked with the path of every mistake", async () => {
    const folder = openPretrained(await folderWith({ "model.safetensors": stateOf(4) }));
    expect(parseConfig(folder, z.looseObject({ width: z.int() }))).toEqual({ width: 4, depth: "two" });
    const strict = z.looseObject({ width: z.string(), depth: z.int() });
    expect(() => parseConfig(folder, strict)).toThrow(/at width[\s\S]*at depth/);
  });

  it("keeps each weight's type, or turns those of floating point to the one asked for", async () => {
    const [first, second, ...rest] = stateOf(4);
    const folder = await folderWith({
      "model.safetensors": [
        [first![0], first![1].to({ dtype: "float16" })],
        [second![0], second![1].to({ dtype: "int64" })],
        ...rest.map(([key, tensor]): [string, Tensor] => [key, tensor.to({ dtype: "bfloat16" })]),
      ],
    });
    const types = (options: FrozenOptions): string[] =>
      [...open(folder, options).namedTensors()].map(([, tensor]) => tensor.dtype);
    expect(types({})).toEqual(["float16", "int64", "bfloat16", "bfloat16"]);
    expect(types({ dtype: "float32" })).toEqual(["float32", "int64", "float32", "float32"]);
    expect([...open(folder, { dtype: "float32" }).namedTensors()][0]![1].toNumbers()).toEqual(
      first![1].to({ dtype: "float16" }).toNumbers(),
    );
  });

  it("is in memory once, with or without conversion", async () => {
    const folder = await folderWith({ "model.safetensors": stateOf(4) });
    for (const dtype of [null, "float64"] as const) {
      const before = liveTensorCount();
      const model = open(folder, { dtype });
      expect(liveTensorCount() - before).toBe(keys.length);
      model.dispose();
      expect(liveTensorCount()).toBe(before);
    }
  });
});

describe("a selection of weights", () => {
  it("renames some and leaves the others out", async () => {
    const state = stateOf(4);
    const { weights } = openPretrained(await folderWith({ "model.safetensors": state }));
    const first = selectWeights(weights, (name) =>
      name.startsWith("first.") ? name.slice("first.".length) : null,
    );
    expect([...first.shapes]).toEqual([
      ["weight", [4, 4]],
      ["bias", [4]],
    ]);
    expect(first.read("bias").toNumbers()).toEqual(state[1]![1].toNumbers());
  });
});
