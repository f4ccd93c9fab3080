import { describe, expect, it } from "vitest";
import {
  backward,
  gradientOf,
  ones,
  requireGrad,
  scope,
  seedDefaultGenerators,
  setThreadCount,
  threadCount,
} from "../tensor/index.js";
import { dropout } from "./dropout.js";

const drawn = (key: string, count = 100_000, share = 0.1): number[] => {
  seedDefaultGenerators(key);
  return scope(() => dropout(ones([count]), share).toNumbers());
};

describe("dropout", () => {
  it("drops as many as were asked for, evenly, and keeps the mean", () => {
    for (const share of [0.1, 0.5]) {
      const values = drawn("a", 100_000, share);
      const dropped = values.map((value) => Number(value === 0));
      // Five standard deviations of a count of 100,000.
      const slack = 5 * Math.sqrt((share * (1 - share)) / values.length);
      expect(Math.abs(dropped.reduce((a, b) => a + b) / values.length - share)).toBeLessThan(slack);
      expect(values.find((value) => value !== 0)).toBeCloseTo(1 / (1 - share), 6);
      // Neighbours, and places a power of two apart, are independent.
      for (const apart of [1, 2, 64, 1024]) {
        const both = dropped.reduce((sum, one, i) => sum + one * (dropped[i + apart] ?? 0), 0);
        expect(Math.abs(both / values.length - share * share), String(apart)).toBeLessThan(slack);
      }
    }
  });

  it("is the same for the same seed and any number of threads, and other for another", () => {
    const threads = threadCount();
    const one = drawn("a");
    setThreadCount(threads === 1 ? 2 : 1);
    expect(drawn("a")).toEqual(one);
    setThreadCount(threads);
    const other = drawn("b");
    const both = one.filter((value, i) => value === 0 && other[i] === 0).length;
    expect(both / one.length).toBeGreaterThan(0.005);
    expect(both / one.length).toBeLessThan(0.015);
  });

  it("sends gradients back where it let values through", () => {
    scope(() => {
      const x = requireGrad(ones([500]));
      const y = dropout(x, 0.3);
      backward(y.sum());
      expect(gradientOf(x)!.toNumbers()).toEqual(y.toNumbers());
    });
  });
});
