import { describe, expect, it } from "vitest";
import { paperConfig, type SizeName } from "./config.js";
import { DreamModel } from "./dream.js";

/** SPEC section 11: parameters without T5. */
const counts: Readonly<Record<SizeName, number>> = {
  base: 329_357_857,
  large: 635_989_793,
  huge: 1_128_416_289,
  giant: 2_432_714_657,
};

describe("the paper's sizes", () => {
  it.each(Object.entries(counts))("%s has %d parameters", (size, expected) => {
    // On `meta` there are shapes and no memory.
    const model = new DreamModel(paperConfig(size as SizeName), "meta");
    const count = model.parameters().reduce((sum, [, tensor]) => sum + tensor.elementCount, 0);
    expect(count).toBe(expected);
    const tower = model.textTower.parameters().reduce((sum, [, tensor]) => sum + tensor.elementCount, 0);
    // The matrix of 512 x 256 into the joint space is counted apart.
    expect(tower - 512 * 256).toBe(63_165_952);
    model.dispose();
  });

  it("base also builds with memory", () => {
    const model = new DreamModel(paperConfig("base"));
    expect(model.encoder.positions.shape).toEqual([1, 320, 768]);
    model.dispose();
  });
});
