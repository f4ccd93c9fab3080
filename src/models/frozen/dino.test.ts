import { afterEach, describe, expect, it } from "vitest";
import {
  copyWithJson,
  copyWithWeights,
  fixtureFolder,
  recorded,
  relativeError,
  removeCopies,
} from "../../../test/frozen-folders.js";
import { liveTensorCount, requiresGrad, zeros } from "../../tensor/index.js";
import { DinoModel, dinoTargets } from "./dino.js";

const pictures = [
  ["plain", 0],
  ["plain", 1],
  ["swiglu", 0],
  ["swiglu", 1],
  ["swiglu", 2],
  ["swiglu", 3],
  ["registers", 0],
  ["registers", 1],
  ["registers", 2],
] as const;

describe.each(["plain", "swiglu", "registers"])("the DINOv2 of %s", (kind) => {
  const folder = fixtureFolder("dino", kind);
  const model = DinoModel.open(folder);

  it.each(pictures.filter(([of]) => of === kind))(
    "has the features that transformers computes: %s, size %i",
    (_, i) => {
      const { classToken, patches } = model.forward(recorded(folder, `pixels.${i}`));
      expect(relativeError(classToken, recorded(folder, `class.${i}`))).toBeLessThan(1e-5);
      expect(relativeError(patches, recorded(folder, `patches.${i}`))).toBeLessThan(1e-5);
    },
  );

  it("is about the same in bfloat16", () => {
    const { patches } = DinoModel.open(folder, { dtype: "bfloat16" }).forward(recorded(folder, "pixels.0"));
    expect(patches.dtype).toBe("bfloat16");
    expect(relativeError(patches.to({ dtype: "float32" }), recorded(folder, "patches.0"))).toBeLessThan(0.03);
  });

  it("is frozen, and leaves nothing behind", () => {
    expect([...model.namedTensors()].some(([, weight]) => requiresGrad(weight))).toBe(false);
    const pixels = recorded(folder, "pixels.1");
    const before = liveTensorCount();
    for (const tensor of Object.values(model.forward(pixels))) tensor.dispose();
    expect(liveTensorCount()).toBe(before);
  });
});

describe("what DINOv2 is given", () => {
  const model = DinoModel.open(fixtureFolder("dino", "plain"));

  it.each([
    ["no whole patch", [1, 3, 13, 42]],
    ["no colours", [1, 1, 42, 42]],
    ["one picture without a batch", [3, 42, 42]],
  ])("is refused where it is %s", (_, shape) => {
    expect(() => model.forward(zeros(shape))).toThrow("expected [B, 3, H, W] of at least 14 pixels each way");
  });
});

describe("REPA's targets", () => {
  const folder = fixtureFolder("dino", "plain");
  const model = DinoModel.open(folder);
  const pixels = recorded(folder, "bytes").to({ dtype: "float32" }).div(255);

  // In float32 libtorch's kernel is 5e-5 off here, and 2e-5 from one version to another: it rounds places near 256 to 2^-16.
  it("are as near to exact arithmetic as the reference in float32", () => {
    const exact = recorded(folder, "targets");
    const reference = relativeError(recorded(folder, "targets.float32"), exact);
    expect(reference).toBeLessThan(6e-5);
    expect(relativeError(dinoTargets(model, pixels, 16), exact)).toBeLessThan(1.1 * reference);
  });

  it("are refused from a model with patches of another size", () => {
    const other = DinoModel.open(fixtureFolder("dino", "swiglu"));
    expect(() => dinoTargets(other, zeros([1, 3, 256, 256]), 16)).toThrow("patches of 14 pixels, got 4");
  });

  it("are 256 for each picture", () => {
    expect(dinoTargets(model, zeros([2, 3, 256, 256]), 16).shape).toEqual([2, 256, 12]);
  });
});

describe("a folder that is no DINOv2", () => {
  afterEach(removeCopies);
  const folder = fixtureFolder("dino", "swiglu");

  it.each([
    ["another kind of model", { model_type: "vit" }, /model_type/],
    ["another activation", { hidden_act: "gelu_new" }, /hidden_act/],
    ["pictures that are not square", { image_size: [21, 28] }, /image_size/],
    ["other channels", { num_channels: 1 }, /num_channels/],
    ["heads that do not divide", { num_attention_heads: 3 }, /no whole number of heads/],
    ["patches larger than pictures", { patch_size: 22 }, /expected at most image_size/],
    [
      "a feed-forward layer of another kind",
      { use_swiglu_ffn: false },
      /missing: encoder.layer.0.mlp.fc1.weight/,
    ],
    ["another hidden width", { mlp_ratio: 4 }, /expected: encoder.layer.0.mlp.weights_in.weight \[112, 20\]/],
    [
      "biases that are not there",
      { qkv_bias: true },
      /missing: encoder.layer.0.attention.attention.query.bias/,
    ],
    ["another grid", { image_size: 24 }, /embeddings.position_embeddings \[1, 37, 20\]/],
    [
      "registers that are not there",
      { model_type: "dinov2_with_registers" },
      /missing: embeddings.register_tokens/,
    ],
  ])("is refused by name: %s", (_, change, message) => {
    const copy = copyWithJson(folder, "config.json", (config) => ({ ...config, ...change }));
    expect(() => DinoModel.open(copy)).toThrow(message);
  });

  it("is refused by name: a weight short", async () => {
    const copy = await copyWithWeights(folder, { without: "encoder.layer.1.layer_scale2.lambda1" });
    expect(() => DinoModel.open(copy)).toThrow("1 missing: encoder.layer.1.layer_scale2.lambda1");
  });

  it("is refused by name: a weight over", async () => {
    const copy = await copyWithWeights(folder, { also: "classifier.weight" });
    expect(() => DinoModel.open(copy)).toThrow("1 unexpected: classifier.weight");
  });
});
