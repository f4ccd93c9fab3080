import { describe, expect, it } from "vitest";
import type { Measurement } from "../evaluate/measurement.js";
import { type Side, verdictOf } from "./verdict.js";

const figure = (value: number, half: number | null): Measurement => ({
  value,
  interval: half === null ? null : { low: value - half, high: value + half },
  samples: 100,
  outcomes: null,
  details: {},
});

const outcomes = (values: readonly number[]): Measurement => ({
  ...figure(values.reduce((sum, value) => sum + value, 0) / values.length, 1),
  outcomes: values,
});

const side = (...measured: Measurement[]): Side => new Map(measured.map((one, i) => [i + 1, one]));

describe("a verdict", () => {
  it.each([
    ["holds", "higher", "better", 0.8, 0.5],
    ["fails", "higher", "better", 0.5, 0.8],
    ["open", "higher", "better", 0.55, 0.5],
    ["holds", "lower", "better", 0.5, 0.8],
    ["fails", "lower", "better", 0.8, 0.5],
    ["holds", "higher", "no-worse", 0.48, 0.5],
    ["fails", "higher", "no-worse", 0.3, 0.5],
    ["holds", "lower", "no-worse", 0.52, 0.5],
  ] as const)(
    "%s where %s is better, it is said to be %s, and is %d against %d",
    (verdict, direction, claimed, a, b) => {
      const found = verdictOf(side(figure(a, 0.06)), side(figure(b, 0.08)), direction, claimed)!;
      expect(found.verdict).toBe(verdict);
      expect(found.mean).toBeCloseTo(direction === "higher" ? a - b : b - a, 12);
      // Independent figures: halves of 0.06 and 0.08 make 0.1.
      expect(found.interval!.high - found.mean).toBeCloseTo(0.1, 12);
    },
  );

  it("comes from pairs where both sides know them", () => {
    const better = Array.from({ length: 100 }, (_, i) => Number(i % 2 === 0 || i < 20));
    const than = Array.from({ length: 100 }, (_, i) => Number(i % 2 === 0));
    const { verdict, mean, interval } = verdictOf(
      side(outcomes(better)),
      side(outcomes(than)),
      "higher",
      "better",
    )!;
    // Ten pairs of a hundred gain one, whatever either side's own spread: 0.1, deviation 0.3015.
    expect(mean).toBeCloseTo(0.1, 12);
    expect(interval!.low).toBeCloseTo(0.1 - 1.96 * 0.03015, 4);
    expect(verdict).toBe("holds");
    expect(verdictOf(side(outcomes(better)), side(outcomes(than)), "lower", "better")!.verdict).toBe("fails");
  });

  it("comes from the seeds where there are three, and from both sides' samples where there are two", () => {
    const wide = [0.7, 0.72, 0.71].map((value) => figure(value, 5));
    const three = verdictOf(side(...wide), side(...wide.map(() => figure(0.5, 5))), "higher", "better")!;
    expect(three).toMatchObject({ verdict: "holds", over: "seeds" });
    // Student's t with two degrees of freedom, deviation 0.01.
    expect(three.interval!.high - three.mean).toBeCloseTo((4.303 * 0.01) / Math.sqrt(3), 6);
    const two = verdictOf(side(...wide.slice(1)), side(figure(0.5, 5), figure(0.5, 5)), "higher", "better")!;
    expect(two).toMatchObject({ verdict: "open", over: "samples" });
  });

  it("is open without an interval, whatever is claimed, and none where no seed has both sides", () => {
    const [fast, slow] = [side(figure(9, null)), side(figure(1, null))];
    for (const claimed of ["better", "no-worse"] as const) {
      const found = verdictOf(fast, slow, "higher", claimed)!;
      expect(found).toMatchObject({ verdict: "open", interval: null, mean: 8 });
    }
    expect(verdictOf(fast, new Map([[2, figure(1, 0.1)]]), "higher", "better")).toBeNull();
  });
});
