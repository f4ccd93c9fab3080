import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cumulative,
  drawMaskRatio,
  type MaskingWarmup,
  maskedCount,
  moments,
  paperMasking,
  quantile,
  warmupDistribution,
} from "./masking.js";

describe("Masking Warmup", () => {
  it("moves its mean from 0 to 1 and stays there", () => {
    expect([0, 18, 36, 47].map((epoch) => warmupDistribution(paperMasking, epoch).location)).toEqual([
      0, 0.5, 1, 1,
    ]);
  });

  it("has the true means that the paper's figures imply", () => {
    expect(moments(warmupDistribution(paperMasking, 0)).mean).toBeCloseTo(0.338, 3);
    expect(moments(warmupDistribution(paperMasking, 48)).mean).toBeCloseTo(0.662, 3);
  });

  it("mixes low and high ratios at every epoch", () => {
    for (const epoch of [0, 12, 24, 36, 47]) {
      const distribution = warmupDistribution(paperMasking, epoch);
      expect(cumulative(distribution, 0.25)).toBeGreaterThan(0.05);
      expect(1 - cumulative(distribution, 0.75)).toBeGreaterThan(0.05);
    }
  });

  it("without an end climbs until the cooldown, from the least ratio to the greatest", () => {
    const schedule: MaskingWarmup = {
      ...paperMasking,
      end: { kind: "cooldown" },
      startEpoch: 4,
      cooldownEpochs: 8,
      meanStart: 0.2,
      meanEnd: 0.8,
      minimum: 0.1,
    };
    const mean = (epoch: number): number => warmupDistribution(schedule, epoch).location;
    expect([mean(0), mean(4), mean(22), mean(39.999), mean(40)].map((x) => Number(x.toFixed(3)))).toEqual([
      0.1, 0.2, 0.5, 0.8, 1,
    ]);
  });

  it("grows its deviation where asked, never to nothing", () => {
    const schedule: MaskingWarmup = { ...paperMasking, deviationSchedule: "growing", cooldownEpochs: 8 };
    expect([0, 20, 40, 47].map((epoch) => warmupDistribution(schedule, epoch).scale)).toEqual([
      1e-6, 0.225, 0.45, 0.45,
    ]);
  });

  it("cuts at one deviation where the bounds move", () => {
    const { a, b } = warmupDistribution({ ...paperMasking, bounds: "moving" }, 18);
    expect(a).toBeCloseTo(-1, 12);
    expect(b).toBeCloseTo(1, 12);
  });
});

describe("a mask ratio", () => {
  const schedules = [
    paperMasking,
    { kind: "uniform", minimum: 0.2, maximum: 0.9 },
    { kind: "fixed", mean: 1, deviation: 0.25, minimum: 0.7, maximum: 1 },
  ] as const;

  it("stays within its bounds and grows with the draw", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...schedules),
        fc.double({ min: 0, max: 48, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (schedule, epoch, p, q) => {
          const [low, high] = [Math.min(p, q), Math.max(p, q)].map((u) =>
            drawMaskRatio(schedule, epoch, u),
          ) as [number, number];
          expect(low).toBeLessThanOrEqual(high + 1e-12);
          expect(low).toBeGreaterThanOrEqual(schedule.minimum - 1e-9);
          expect(high).toBeLessThanOrEqual(schedule.maximum + 1e-9);
        },
      ),
    );
  });

  it("is the inverse of its own distribution", () => {
    const distribution = warmupDistribution(paperMasking, 10);
    for (const p of [0.01, 0.3, 0.5, 0.9, 0.99])
      expect(cumulative(distribution, quantile(distribution, p))).toBeCloseTo(p, 10);
  });

  it("is never above nothing for CLIP", () => {
    expect(drawMaskRatio({ kind: "never" }, 3, 0.7)).toBe(0);
  });

  it("hides a count rounded up", () => {
    expect([0, 1e-9, 0.5, 0.5000001, 1].map((ratio) => maskedCount(ratio, 256))).toEqual([
      0, 1, 128, 129, 256,
    ]);
  });
});
