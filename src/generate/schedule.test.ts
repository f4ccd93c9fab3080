import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ancestral, decodingSchedule, diffusionStepsAt, stepsToFraction } from "./schedule.js";

describe("the decoding schedule", () => {
  it("draws every token once, whatever the sizes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 400 }), (tokens, stepCount) => {
        const steps = decodingSchedule(tokens, stepCount, { kind: "none" });
        expect(steps.reduce((sum, { predicted }) => sum + predicted, 0)).toBe(tokens);
        expect(steps.every(({ predicted }) => predicted > 0)).toBe(true);
        expect(steps.at(-1)!.index).toBeLessThan(stepCount);
      }),
    );
  });

  it("has the paper's shares of tokens at 64 steps of 256", () => {
    const steps = decodingSchedule(256, 64, { kind: "none" });
    const decoded = (index: number): number =>
      steps.filter((step) => step.index < index).reduce((sum, { predicted }) => sum + predicted, 0) / 256;
    // The cosine alone would have 2.0% at step 8; drawing at least one token a step makes it 8 of 256, as in the recordings.
    expect([8, 20, 32].map((index) => Number((100 * decoded(index)).toFixed(1)))).toEqual([3.1, 12.1, 29.3]);
    // "Step 21 of 64 already suffices": the first at which an eighth of the tokens is there.
    expect(steps[stepsToFraction(steps, 256, 0.125) - 1]!.index).toBe(20);
  });

  it("raises linear guidance with the tokens decoded, and never to its full scale", () => {
    const scales = decodingSchedule(256, 64, { kind: "linear", scale: 3 }).map(
      ({ guidanceScale }) => guidanceScale,
    );
    expect(scales).toEqual([...scales].sort((a, b) => a - b));
    expect(scales.at(-1)).toBeLessThan(3);
  });

  it("refuses what cannot be", () => {
    expect(() => decodingSchedule(16, 0, { kind: "none" })).toThrow(/whole number of steps/);
    const steps = decodingSchedule(16, 8, { kind: "none" });
    for (const fraction of [0, -1, 1.5, Number.NaN])
      expect(() => stepsToFraction(steps, 16, fraction)).toThrow(/share/);
  });
});

describe("diffusion steps over a drawing", () => {
  const at = (first: number, last: number): (number | null)[] =>
    [0, 1, 2, 3, 4].map((index) =>
      diffusionStepsAt({ method: "ancestral", diffusionSteps: { first, last } }, index, 5),
    );

  it("go evenly from the first step's to the last's", () => {
    expect(at(50, 10)).toEqual([50, 40, 30, 20, 10]);
    expect(at(7, 7)).toEqual([7, 7, 7, 7, 7]);
  });

  it("are the model's own where nothing is said, and the first's where there is one step", () => {
    expect(diffusionStepsAt(ancestral, 3, 5)).toBeNull();
    expect(diffusionStepsAt({ method: "ddim", diffusionSteps: { first: 9, last: 2 } }, 0, 1)).toBe(9);
  });
});
