import { describe, expect, it } from "vitest";
import recorded from "../../test/fixtures/evaluate/drawings.json" with { type: "json" };
import { stateFile } from "../nn/index.js";
import { tensor, zeros } from "../tensor/index.js";
import { inceptionScore } from "./inception-score.js";

const logits = stateFile("test/fixtures/evaluate/drawings.safetensors").read("logits");

describe("the inception score", () => {
  it("is what numpy and torch-fidelity compute, in one part and in ten that are not alike", () => {
    const near = ({ mean, deviation }: { mean: number; deviation: number }, expected: readonly number[]) => {
      expect(Math.abs(mean / expected[0]! - 1)).toBeLessThan(1e-9);
      expect(deviation).toBeCloseTo(expected[1]!, 9);
    };
    near(inceptionScore(logits, 10), recorded.inceptionScore["10"]);
    near(inceptionScore(logits, 10), recorded.inceptionScoreOfTorchFidelity);
    near(inceptionScore(logits, 1), recorded.inceptionScore["1"]);
  });

  it("is 1 where all pictures are alike, and the number of classes where each is surely another", () => {
    expect(inceptionScore(zeros([20, 5]), 2)).toEqual({ mean: 1, deviation: 0 });
    const sure = tensor(
      Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 400 : 0)),
      [6, 6],
    );
    expect(inceptionScore(sure, 1).mean).toBeCloseTo(6, 9);
  });

  it("needs a picture for each part", () => {
    expect(() => inceptionScore(zeros([9, 5]), 10)).toThrow(/10 pictures or more, one for each part, got 9/);
  });
});
