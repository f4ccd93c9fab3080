import { describe, expect, it } from "vitest";
import { type Choice, halving, selectionFor } from "./drawing-choice.js";
import { decodingSchedule } from "./generate/schedule.js";

const choices: readonly Choice[] = [
  { kind: "aligned", candidates: 5, atFraction: 0.125 },
  halving(5, null),
  { kind: "each-step", candidates: 3, fromFraction: 0.5 },
];
/** Of an edit of so many of 64 tokens. */
const stepsOf = (tokens: number) => decodingSchedule(64, 16, { kind: "none" }, tokens);

describe("a choice in steps", () => {
  it("is none where all is drawn in one step", () => {
    expect(stepsOf(1)).toHaveLength(1);
    for (const choice of choices) expect(selectionFor(choice, stepsOf(1))).toEqual({ kind: "none" });
  });

  it("falls before the last step, however few there are", () => {
    for (let tokens = 2; tokens <= 64; tokens++) {
      const steps = stepsOf(tokens);
      const selection = selectionFor({ kind: "aligned", candidates: 5, atFraction: 0.99 }, steps);
      expect(selection).toMatchObject({ kind: "once" });
      if (selection.kind === "once") expect(selection.atStep).toBeLessThanOrEqual(steps.at(-1)!.index);
    }
  });
});
