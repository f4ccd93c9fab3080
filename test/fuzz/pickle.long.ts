import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { record } from "../diary.js";
import { Dice, fixtureCorpus } from "./pickles.js";
import { runTrials } from "./trial.js";

const count = 1_000_000;
const seed = 20260302;

it(`${count} damaged and hostile pickles give plain data or a DreamError`, async () => {
  const corpus = await fixtureCorpus();
  const start = performance.now();
  const tally = runTrials(count, new Dice(seed), corpus, (done, { parsed, refusedByName, refused }) => {
    const rate = Math.round((1000 * done) / (performance.now() - start));
    process.stdout.write(
      `${done} at ${rate}/s: ${parsed} parsed, ${refusedByName} refused by name, ${refused} refused as damaged\n`,
    );
  });
  const seconds = Math.round((performance.now() - start) / 1000);
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  record("pickles", { ...tally, seconds, megabytes });
  expect(tally.parsed + tally.refusedByName + tally.refused).toBe(count);
  expect(tally.slowestMs).toBeLessThan(5_000);
  expect(megabytes).toBeLessThan(2_000);
  expect(existsSync("/tmp/owned")).toBe(false);
});
