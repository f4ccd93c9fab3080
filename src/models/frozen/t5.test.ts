import { readFileSync } from "node:fs";
import { join } from "node:path";
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
import { relativeBuckets } from "./relative-positions.js";
import { T5Encoder } from "./t5.js";

const kinds = ["relu", "gated", "bfloat16", "float16"] as const;

describe.each(kinds)("the encoder of %s", (kind) => {
  const folder = fixtureFolder("t5", kind);
  const model = T5Encoder.open(folder);
  const ids = recorded(folder, "ids");

  it("has the states that transformers computes from the same folder", () => {
    expect(relativeError(model.forward(ids), recorded(folder, "states"))).toBeLessThan(1e-5);
  });

  it("has them under a mask", () => {
    expect(
      relativeError(model.forward(ids, recorded(folder, "mask")), recorded(folder, "masked")),
    ).toBeLessThan(1e-5);
  });

  it("puts every distance into the same bucket", () => {
    const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    const buckets = relativeBuckets(
      301,
      config.relative_attention_num_buckets,
      config.relative_attention_max_distance,
    );
    const [first, last] = [buckets.select(0, 0).toNumbers(), buckets.select(0, 300).toNumbers()];
    expect([...last, ...first.slice(1)]).toEqual(recorded(folder, "buckets").toNumbers());
  });

  it("is about the same in bfloat16", () => {
    const half = T5Encoder.open(folder, { dtype: "bfloat16" }).forward(ids);
    expect(half.dtype).toBe("bfloat16");
    expect(relativeError(half.to({ dtype: "float32" }), recorded(folder, "states"))).toBeLessThan(0.03);
  });

  it("is frozen, and leaves nothing behind", () => {
    expect([...model.namedTensors()].some(([, weight]) => requiresGrad(weight))).toBe(false);
    expect(model.mode).toBe("eval");
    const before = liveTensorCount();
    model.forward(ids).dispose();
    expect(liveTensorCount()).toBe(before);
  });
});

describe("a text of which nothing is to be seen", () => {
  it("has finite states", () => {
    const model = T5Encoder.open(fixtureFolder("t5", "gated"));
    const states = model.forward(ones([1, 4], { dtype: "int64" }), zeros([1, 4]));
    expect(states.isfinite().all().item()).toBe(1);
  });
});

describe("the token embedding", () => {
  afterEach(removeCopies);
  const folder = fixtureFolder("t5", "gated");

  it.each([
    ["under its other name", { rename: "shared.weight", to: "encoder.embed_tokens.weight" }],
    ["under both", { also: "encoder.embed_tokens.weight" }],
  ])("is found %s", async (_, change) => {
    const model = T5Encoder.open(await copyWithWeights(folder, change));
    const states = model.forward(recorded(folder, "ids"));
    expect(relativeError(states, recorded(folder, "states"))).toBeLessThan(1e-5);
  });
});

describe("a folder that is no encoder of T5", () => {
  afterEach(removeCopies);
  const folder = fixtureFolder("t5", "gated");

  it.each([
    ["another kind of model", { model_type: "umt5" }, "model_type"],
    ["another activation", { feed_forward_proj: "gated-tanh" }, "feed_forward_proj"],
    ["an activation said in two ways", { dense_act_fn: "gelu" }, "dense_act_fn"],
    ["no width", { d_model: undefined }, "d_model"],
    ["no heads", { num_heads: 0 }, "num_heads"],
    ["more layers than anybody has", { num_layers: 1e9 }, "num_layers"],
    ["no room for far places", { relative_attention_max_distance: 3 }, "relative_attention_max_distance"],
    ["weights of another width", { d_ff: 41 }, "expected.*DenseReluDense.wi_0.weight \\[41, 24\\]"],
    ["fewer layers than weights", { num_layers: 2 }, "unexpected: encoder.block.2."],
    [
      "a feed-forward layer of another kind",
      { feed_forward_proj: "relu", is_gated_act: false, dense_act_fn: "relu" },
      "missing: encoder.block.0.layer.1.DenseReluDense.wi.weight",
    ],
  ])("is refused by name: %s", (_, change, message) => {
    const copy = copyWithJson(folder, "config.json", (config) => ({ ...config, ...change }));
    expect(() => T5Encoder.open(copy)).toThrow(new RegExp(message));
  });

  it("is refused by name: a weight short", async () => {
    const copy = await copyWithWeights(folder, { without: "encoder.final_layer_norm.weight" });
    expect(() => T5Encoder.open(copy)).toThrow("1 missing: encoder.final_layer_norm.weight");
  });

  it("is refused by name: a weight over", async () => {
    const copy = await copyWithWeights(folder, { also: "encoder.lora.weight" });
    expect(() => T5Encoder.open(copy)).toThrow("1 unexpected: encoder.lora.weight");
  });
});
