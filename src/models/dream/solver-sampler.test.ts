import { describe, expect, it } from "vitest";
import { tensor } from "../../tensor/index.js";
import { type SolverMethod, solverStep } from "./solver-sampler.js";

/** Tokens of one Gaussian, for which the best guess of the clean token and the whole path are known. */
const [mean, deviation] = [1.5, 0.4];

/** Where a state goes: how many deviations it is from the mean stays as it is. */
function exact(x: number, signal: number, noise: number): number {
  return mean + (deviation * (x - signal * mean)) / Math.hypot(signal * deviation, noise);
}

function solved(method: SolverMethod, count: number, x0: number): number {
  const angles = Array.from({ length: count }, (_, i) => ((1 - i / count) * 0.99 * Math.PI) / 2);
  const path = { signals: angles.map(Math.cos), deviations: angles.map(Math.sin) };
  let x = tensor([x0], [1]);
  let before = null;
  for (let i = 0; i < count; i++) {
    const [signal, noise] = [path.signals[i]!, path.deviations[i]!];
    const gain = (signal * deviation ** 2) / ((signal * deviation) ** 2 + noise ** 2);
    const start = x
      .sub(signal * mean)
      .mul(gain)
      .add(mean);
    x = solverStep(path, method, i, x, start, before);
    before = start;
  }
  return x.item();
}

describe("deterministic samplers", () => {
  const begin = Math.cos((0.99 * Math.PI) / 2);
  const truth = exact(0.8, begin, Math.sqrt(1 - begin ** 2));
  const error = (method: SolverMethod, count: number): number => Math.abs(solved(method, count, 0.8) - truth);

  it("come to where the exact path ends", () => {
    expect(error("ddim", 400)).toBeLessThan(2e-3);
    expect(error("dpm-solver", 400)).toBeLessThan(2e-3);
  });

  it("DPM-Solver is nearer with fewer steps", () => {
    for (const count of [10, 20, 40, 80])
      expect(error("dpm-solver", count)).toBeLessThan(0.5 * error("ddim", count));
  });
});
