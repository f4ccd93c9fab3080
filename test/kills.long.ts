/** @file Killed fifty times at random moments, gone on with each time: the weights of an undisturbed run. */
import { expect, it } from "vitest";
import { record } from "./diary.js";
import { runKilled } from "./killed-run.js";

it("ends with the weights of an undisturbed run, whenever it was killed", async () => {
  const started = performance.now();
  const kills = await runKilled({ preparing: 14, training: 18, writing: 18 }, 300, 20260303);
  // One that only prepared may have found what the one before it left.
  const halfWritten = kills.filter(
    ({ leftHalfWritten, moment }) => leftHalfWritten && moment.kind !== "preparing",
  ).length;
  record("kills", {
    kills: kills.length,
    whileWriting: halfWritten,
    mostStepsLost: Math.max(...kills.map(({ taken, saved }) => taken - saved)),
    seconds: Math.round((performance.now() - started) / 1000),
  });
  expect(kills).toHaveLength(50);
  expect(halfWritten).toBeGreaterThan(9);
});
