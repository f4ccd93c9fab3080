/** @file Killed five times at random moments, gone on with each time: the weights of an undisturbed run. Fifty times in `kills.long.ts`. */
import { expect, it } from "vitest";
import { runKilled } from "./killed-run.js";

it("ends with the weights of an undisturbed run, whenever it was killed", async () => {
  const kills = await runKilled({ preparing: 1, training: 2, writing: 2 }, 60, 20260302);
  expect(kills).toHaveLength(5);
  // Each process but those that only prepared got further than the one before.
  expect(kills.at(-1)!.saved).toBeGreaterThan(kills[0]!.saved);
}, 180_000);
