import { describe, expect, it } from "vitest";
import { cumulative, paperMasking, warmupDistribution } from "../models/dream/masking.js";
import { hiddenCounts, hiddenCountsAt, mean } from "./hidden-counts.js";

const N = 256;

describe("how many tokens are hidden", () => {
  it("has the paper's means at the beginning and at the end", () => {
    const ratio = (epoch: number): number =>
      mean(hiddenCountsAt(paperMasking, epoch, N), (count) => count / N);
    // Counts are rounded up: half a token more than the ratio.
    expect(ratio(0)).toBeCloseTo(0.338 + 0.5 / N, 3);
    expect(ratio(48)).toBeCloseTo(0.662 + 0.5 / N, 3);
  });

  it("passes the gate as often as the distribution says", () => {
    for (const epoch of [0, 18, 47]) {
      const generates = mean(hiddenCountsAt(paperMasking, epoch, N), (count) => Number(count / N >= 0.5));
      const exact = 1 - cumulative(warmupDistribution(paperMasking, epoch), 127 / N);
      expect(Math.abs(generates - exact)).toBeLessThan(1 / 250);
    }
  });

  it("adds up to one over a run", () => {
    const all = hiddenCounts(paperMasking, 48, N);
    expect(mean(all, () => 1)).toBeCloseTo(1, 9);
    expect(all.length).toBe(N + 1);
  });

  it("hides the same where the ratio is fixed", () => {
    const fixed = { kind: "uniform", minimum: 0.75, maximum: 0.75 } as const;
    expect(hiddenCounts(fixed, 10, 64)[48]).toBeCloseTo(1, 9);
    expect(hiddenCounts({ kind: "never" }, 10, 64)[0]).toBeCloseTo(1, 9);
  });
});
