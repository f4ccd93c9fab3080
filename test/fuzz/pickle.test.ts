import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DreamError } from "../../src/errors.js";
import { openTorchFile } from "../../src/formats/torch/torch-file.js";
import { Dice, fixtureCorpus } from "./pickles.js";
import { runTrials, tensorsIn } from "./trial.js";

const fixtures = join(import.meta.dirname, "../fixtures/torch-file");

/** The long form is `pickle.long.ts`: a million. */
describe("the fuzzer", () => {
  it("finds only data and DreamErrors in 20,000 damaged and hostile pickles", async () => {
    const tally = runTrials(20_000, new Dice(1), await fixtureCorpus());
    expect(tally.parsed).toBeGreaterThan(500);
    expect(tally.refusedByName).toBeGreaterThan(500);
    expect(tally.tensors).toBeGreaterThan(500);
    expect(tally.slowestMs).toBeLessThan(2_000);
    expect(existsSync("/tmp/owned")).toBe(false);
  });

  it("finds only data and DreamErrors in 1,000 damaged archives", async () => {
    const dice = new Dice(2);
    const whole = ["written.pth", "torch-2.6.pth", "uint16.pth"].map((name) =>
      readFileSync(join(fixtures, name)),
    );
    const path = join(mkdtempSync(join(tmpdir(), "dream-fuzz-")), "damaged.pth");
    let opened = 0;
    for (let trial = 0; trial < 1_000; trial++) {
      const bytes = damagedArchive(dice.pick(whole), dice);
      writeFileSync(path, bytes);
      try {
        const { value } = await openTorchFile(path);
        opened++;
        tensorsIn(value);
      } catch (error) {
        if (!(error instanceof DreamError) || error.code !== "format")
          throw new Error(`trial ${trial}: ${bytes.toString("hex")}`, { cause: error });
      }
    }
    expect(opened).toBeGreaterThan(50);
  });
});

/** Changes a few bytes, mostly of the headers at the end and of the pickle at the start; or cuts, or puts bytes in. */
function damagedArchive(whole: Buffer, dice: Dice): Buffer {
  const bytes = Buffer.from(whole);
  const places = [
    () => dice.below(bytes.length),
    () => bytes.length - 1 - dice.below(600),
    () => dice.below(400),
  ];
  for (let count = 1 + dice.below(4); count > 0; count--) {
    const at = Math.max(0, dice.pick(places)());
    bytes[at] = dice.pick([0, 0xff, bytes[at]! ^ (1 << dice.below(8)), dice.below(256)]);
  }
  switch (dice.below(8)) {
    case 0:
      return bytes.subarray(0, dice.below(bytes.length));
    case 1: {
      const at = dice.below(bytes.length);
      return Buffer.concat([bytes.subarray(0, at), dice.bytes(dice.below(50)), bytes.subarray(at)]);
    }
    default:
      return bytes;
  }
}
