/** @file Memory stays flat over 2,000 steps. Over half an hour with checkpoints: `soak.long.ts`. */
import { expect, it } from "vitest";
import { trainSteadily } from "./steady-training.js";

it("takes no more memory in the last quarter of 2,000 steps than in the second", () => {
  const { steps, megabytes } = trainSteadily({ steps: 2000, minutes: 60 }, 600);
  process.stdout.write(`${JSON.stringify(megabytes)}\n`);
  expect(steps).toBe(2000);
  expect(megabytes[3]).toBeLessThan(1.02 * megabytes[1]);
}, 240_000);
