import { describe, expect, it } from "vitest";
import { tinyConfig } from "../../../test/tiny.js";
import { Generator, noGrad, type Tensor } from "../../tensor/index.js";
import { DreamModel } from "./dream.js";
import { initialise } from "./initialise.js";

const model = new DreamModel({ ...tinyConfig, textTower: { ...tinyConfig.textTower, vocabulary: 2000 } });
initialise(model, Generator.fromSeed(1));
const values = new Map(model.parameters().map(([name, tensor]) => [name, tensor]));
const deviation = (name: string): number =>
  values.get(name)!.detach().variance(null, { correction: 0 }).sqrt().item();

describe("a start with neighbours", () => {
  // 16 tokens in rows of 4; heads of 16 numbers hold the four waves of each row.
  const stack = { width: 64, depth: 2, heads: 4, mlpWidth: 64 };
  const start = { kind: "neighbours", amplitude: 0.7, sharpness: 12 } as const;
  const config = { ...tinyConfig, encoder: stack, decoder: stack, spatialStart: start };

  it("has each head of the decoder look at one neighbour", () => {
    const neighbourly = new DreamModel(config);
    initialise(neighbourly, Generator.fromSeed(1));
    const { decoder } = neighbourly;
    noGrad(() => {
      const places = decoder.blocks[0]!.norm0.forward(decoder.positions.narrow(1, 4, 16));
      const looks = decoder.blocks.map(({ selfAttention }) => {
        const [q, k] = selfAttention.qkv
          .forward(places)
          .reshape([16, 3, 4, 16])
          .permute([1, 2, 0, 3])
          .unbind(0) as [Tensor, Tensor];
        return q.matmul(k.transpose(1, 2)).argmax(-1).toNumbers();
      });
      const at = (block: number, head: number, column: number, row: number): number =>
        looks[block]![head * 16 + row * 4 + column]!;
      expect([0, 1, 2, 3].map((head) => at(0, head, 1, 1))).toEqual([4, 6, 1, 9]);
      expect([0, 1, 2, 3].map((head) => at(1, head, 2, 2))).toEqual([5, 15, 13, 7]);
    });
  });

  it("refuses widths that the waves do not fit", () => {
    const narrow = new DreamModel({ ...config, decoder: { ...stack, heads: 8 } });
    expect(() => initialise(narrow, Generator.fromSeed(1))).toThrow(/decoder heads of at least that width/);
  });
});

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
    const again = new DreamModel(model.config);
    initialise(again, Generator.fromSeed(1));
    for (const [name, tensor] of again.parameters())
      expect(tensor.toNumbers(), name).toEqual(values.get(name)!.toNumbers());
  });
});
