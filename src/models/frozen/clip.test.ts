import { afterEach, describe, expect, it } from "vitest";
import {
  copyWithJson,
  copyWithWeights,
  fixtureFolder,
  recorded,
  relativeError,
  removeCopies,
} from "../../../test/frozen-folders.js";
import { liveTensorCount, ones, requiresGrad, zeros } from "../../tensor/index.js";
import { ClipModel } from "./clip.js";

const kinds = ["quick", "gelu", "early"] as const;

describe.each(kinds)("the CLIP model of %s", (kind) => {
  const folder = fixtureFolder("clip", kind);
  const model = ClipModel.open(folder);
  const [ids, pixels] = [recorded(folder, "ids"), recorded(folder, "pixels")];

  it("has the features that transformers computes from the same folder", () => {
    expect(relativeError(model.textFeatures(ids), recorded(folder, "texts"))).toBeLessThan(1e-5);
    expect(relativeError(model.imageFeatures(pixels), recorded(folder, "images"))).toBeLessThan(1e-5);
  });

  it("has the same embeddings and logits", () => {
    const [texts, images] = [model.embedTexts(ids), model.embedImages(pixels)];
    expect(relativeError(texts, recorded(folder, "text_embeddings"))).toBeLessThan(1e-5);
    expect(relativeError(images, recorded(folder, "image_embeddings"))).toBeLessThan(1e-5);
    const logits = images.matmul(texts.transpose(0, 1)).mul(model.logitScale);
    expect(relativeError(logits, recorded(folder, "logits"))).toBeLessThan(1e-5);
  });

  it("is about the same in bfloat16", () => {
    const half = ClipModel.open(folder, { dtype: "bfloat16" });
    const [texts, images] = [half.embedTexts(ids), half.embedImages(pixels)];
    expect([texts.dtype, images.dtype]).toEqual(["bfloat16", "bfloat16"]);
    expect(relativeError(texts.to({ dtype: "float32" }), recorded(folder, "text_embeddings"))).toBeLessThan(
      0.03,
    );
    expect(relativeError(images.to({ dtype: "float32" }), recorded(folder, "image_embeddings"))).toBeLessThan(
      0.03,
    );
  });

  it("is frozen, and leaves nothing behind", () => {
    expect([...model.namedTensors()].some(([, weight]) => requiresGrad(weight))).toBe(false);
    const before = liveTensorCount();
    model.embedTexts(ids).dispose();
    model.embedImages(pixels).dispose();
    expect(liveTensorCount()).toBe(before);
  });
});

describe("what a CLIP model is given", () => {
  const model = ClipModel.open(fixtureFolder("clip", "quick"));

  it("is refused where a text is too long", () => {
    expect(() => model.embedTexts(ones([1, 12], { dtype: "int64" }))).toThrow("at most 11 tokens, got 12");
  });

  it("is refused where a picture is of another size", () => {
    expect(() => model.embedImages(zeros([1, 3, 17, 16]))).toThrow(
      "expected [B, 3, 16, 16], got [1, 3, 17, 16]",
    );
  });
});

describe("a folder that is no CLIP model", () => {
  afterEach(removeCopies);
  const folder = fixtureFolder("clip", "gelu");

  it.each([
    ["another kind of model", {}, { model_type: "siglip" }, /model_type/],
    ["another activation", { hidden_act: "relu" }, {}, /vision_config.hidden_act/],
    ["other channels", { num_channels: 4 }, {}, /vision_config.num_channels/],
    [
      "heads that do not divide",
      { num_attention_heads: 3 },
      {},
      /no whole number of heads[\s\S]*num_attention_heads/,
    ],
    ["patches larger than pictures", { patch_size: 18 }, {}, /vision_config.patch_size/],
    [
      "another patch size",
      { patch_size: 6 },
      {},
      /expected: vision_model.embeddings.patch_embedding.weight \[16, 3, 6, 6\]/,
    ],
    ["another embedding", {}, { projection_dim: 21 }, /2 expected: text_projection.weight \[21, 20\]/],
    [
      "fewer blocks",
      { num_hidden_layers: 2 },
      {},
      /missing: vision_model.encoder.layers.1.layer_norm1.weight/,
    ],
  ])("is refused by name: %s", (_, vision, rest, message) => {
    const copy = copyWithJson(folder, "config.json", (config) => ({
      ...config,
      vision_config: { ...(config.vision_config as object), ...vision },
      ...rest,
    }));
    expect(() => ClipModel.open(copy)).toThrow(message);
  });

  it("is refused by name: a weight short", async () => {
    const copy = await copyWithWeights(folder, { without: "logit_scale" });
    expect(() => ClipModel.open(copy)).toThrow("1 missing: logit_scale");
  });

  it("is refused by name: a weight over", async () => {
    const copy = await copyWithWeights(folder, { also: "text_model.lora.weight" });
    expect(() => ClipModel.open(copy)).toThrow("1 unexpected: text_model.lora.weight");
  });
});
