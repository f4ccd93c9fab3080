/** @file Half an hour of training with a checkpoint every three seconds: memory does not grow, and no step waits. */
import { expect, it } from "vitest";
import { record } from "./diary.js";
import { trainSteadily } from "./steady-training.js";

const minutes = 30;

it(`trains for ${minutes} minutes with checkpoints as on its first day`, () => {
  const found = trainSteadily({ steps: 1_000_000, minutes }, 3);
  record("soak", { ...found });
  expect(found.minutes).toBeGreaterThan(minutes);
  expect(found.megabytes[3]).toBeLessThan(1.02 * found.megabytes[1]);
  expect(found.milliseconds.longest).toBeLessThan(1000);
});
