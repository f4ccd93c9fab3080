import { describe, expect, it } from "vitest";
import { tinyConfig } from "../../../test/tiny.js";
import { Generator } from "../../tensor/index.js";
import { Dream } from "./dream.js";
import { initialise } from "./initialise.js";

const model = new Dream({ ...tinyConfig, textTower: { ...tinyConfig.textTower, vocabulary: 2000 } });
initialise(model, Generator.fromSeed(1));
const values = new Map(model.parameters().map(([name, tensor]) => [name, tensor]));
const deviation = (name: string): number =>
  values.get(name)!.detach().variance(null, { correction: 0 }).sqrt().item();

describe("initialisation", () => {
  it("draws every Linear between Xavier's bounds, fused projections by their fused fans", () => {
    const qkv = values.get("encoder.blocks.0.attention.qkv.weight")!;
    const bound = Math.sqrt(6 / (32 + 96));
    const largest = qkv.detach().abs().amax().item();
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.95 * bound);
  });

  it("draws tokens, positions and embeddings with the table's deviations", () => {
    expect(deviation("encoder.positions")).toBeCloseTo(0.02, 2);
    expect(deviation("textTower.tokenEmbedding.weight")).toBeCloseTo(1, 1);
    expect(deviation("textTower.positions")).toBeCloseTo(0.01, 2);
    expect(deviation("textTower.projection.projection")).toBeCloseTo(32 ** -0.5, 1);
    expect(deviation("diffusionHead.timeEmbedding.fc1.weight")).toBeCloseTo(0.02, 2);
  });

  it("begins where the paper says at exactly zero, one, or log(1/0.07)", () => {
    const all = (name: string): number[] => [...new Set(values.get(name)!.toNumbers())];
    for (const name of [
      "textAligner.positions",
      "diffusionHead.final.linear.weight",
      "diffusionHead.blocks.0.modulation.weight",
      "encoder.blocks.1.mlp.fc1.bias",
    ])
      expect(all(name), name).toEqual([0]);
    for (const name of [
      "encoder.inputNorm.weight",
      "decoder.blocks.0.norm0.weight",
      "imageProjection.projection.bn1.weight",
    ])
      expect(all(name), name).toEqual([1]);
    expect(values.get("logitScale")!.item()).toBeCloseTo(Math.log(1 / 0.07), 6);
  });

  it("is the same for the same seed", () => {
    const again = new Dream(model.config);
    initialise(again, Generator.fromSeed(1));
    for (const [name, tensor] of again.parameters())
      expect(tensor.toNumbers(), name).toEqual(values.get(name)!.toNumbers());
  });
});
