/** @file What is seen of a run, in real processes: curves, sample grids, settings in the recipe's place, and a run that goes astray. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { openSafetensors } from "../src/formats/safetensors.js";
import { dream, linesOf } from "./process.js";
import { readEventFiles } from "./tensorboard.js";

const folder = mkdtempSync(join(tmpdir(), "dream-watching-"));
const at = (...names: string[]): string => join(folder, ...names);
const captions = ["a large red circle in the centre on a plain background", "a small blue square"];
const samples = ["--set", `samples={everySteps: 30, captions: [${captions}]}`];
const steps = ["--steps", "60"];

const setting = (...settings: string[]): string[] => settings.flatMap((one) => ["--set", one]);

interface Line {
  readonly step: number;
  readonly generativeLoss: number;
  readonly learningRate: number;
  readonly ceilingShare: number | null;
}

const journalOf = (run: string): Line[] => linesOf<Line>(readFileSync(join(run, "metrics.jsonl"), "utf8"));

describe("a run that is watched", () => {
  const run = at("stopped");

  it("goes on with its settings after Ctrl-C, and its curves and grids are one run's", async () => {
    const args = [
      "train",
      "scenes-test",
      "--out",
      run,
      ...steps,
      ...samples,
      ...setting("learningRate.peak=1e-3"),
    ];
    const first = await dream(args, /Training \d+/);
    expect(first.code, first.err).toBe(130);
    expect(first.err).toContain(`Curves: tensorboard --logdir ${join(run, "tensorboard")}`);
    expect(first.err).toContain(`sample grids, every 30 steps: ${join(run, "samples")}`);
    const again = /To go on: dream (train .*)/.exec(first.err)![1]!;
    expect(again).toContain(
      `--set 'samples={everySteps: 30, captions: [${captions}]}' --set learningRate.peak=1e-3`,
    );
    const second = await dream(args);
    expect(second.code, second.err).toBe(0);
    expect(second.err).toMatch(
      /Training 60\/60 \(100%\) {2}generative .* contrastive .* masked .* images\/s/,
    );
    const files = readEventFiles(join(run, "tensorboard"));
    expect(files).toHaveLength(2);
    const going = /Going on from step (\d+)/.exec(second.err)![1];
    expect(files[1]!.find(({ isStart }) => isStart)!.step).toBe(Number(going) + 1);
    const shown = files.flat().filter(({ scalars }) => "loss/total" in scalars);
    expect(shown.map(({ step }) => step)).toEqual(journalOf(run).map(({ step }) => step + 1));
    for (const [i, { generativeLoss, learningRate }] of journalOf(run).entries())
      expect([shown[i]!.scalars["loss/generative"], shown[i]!.scalars["optimiser/learning_rate"]]).toEqual([
        Math.fround(generativeLoss),
        Math.fround(learningRate),
      ]);
    const names = readdirSync(join(run, "samples"));
    expect(names).toEqual(["step-00000030.png", "step-00000060.png"]);
    const grids = files
      .flat()
      .flatMap(({ step, pictures }) => (pictures.samples ? [[step, pictures.samples]] : []));
    expect(grids).toEqual([30, 60].map((step, i) => [step, readFileSync(join(run, "samples", names[i]!))]));
  }, 120_000);

  it("has grids of four pictures for each caption, the same in another run of the same recipe, whose weights they leave alone", async () => {
    const file = readFileSync(join(run, "samples", "step-00000060.png"));
    const { width, height } = await sharp(file).metadata();
    expect([width, height]).toEqual([2 * 16 + 4 * 128 + 3 * 4, 2 * 16 + 2 * 128 + 4]);
    expect(file.toString("latin1")).toContain(captions[0]);
    // The last grid is drawn as the finished model draws: the second picture of the second row.
    const drawn = await dream(
      ["generate", "--model", run, "--prompt", captions[1]!, "--seed", "2", "--candidates", "1"].concat([
        "--output-dir",
        at("drawn"),
        "--json",
      ]),
    );
    const one = await sharp(JSON.parse(drawn.out).file).raw().toBuffer();
    const region = { left: 16 + 128 + 4, top: 16 + 128 + 4, width: 128, height: 128 };
    const shown = await sharp(file).extract(region).raw().toBuffer();
    const pixel = (data: Buffer, width: number, x: number, y: number): number[] => [
      ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
    ];
    for (const [x, y] of [
      [0, 0],
      [31, 31],
      [5, 17],
      [20, 9],
    ] as const)
      expect(pixel(shown, 128, 4 * x + 1, 4 * y + 2)).toEqual(pixel(one, 32, x, y));
    const plain = at("plain");
    const without = await dream([
      "train",
      "scenes-test",
      "--out",
      plain,
      ...steps,
      ...setting("learningRate.peak=1e-3"),
    ]);
    expect(without.code, without.err).toBe(0);
    expect(existsSync(join(plain, "samples"))).toBe(false);
    const model = (path: string): Buffer => readFileSync(join(path, "model.safetensors"));
    expect(model(run).equals(model(plain))).toBe(true);
  }, 120_000);

  it("keeps the recipe as it was set", async () => {
    const recipe = JSON.parse(readFileSync(join(run, "recipe.json"), "utf8"));
    expect(recipe).toMatchObject({ learningRate: { peak: 1e-3 }, samples: { everySteps: 30, captions } });
    const other = await dream(["train", "scenes-test", "--out", run, ...steps, ...samples]);
    expect(other.code).toBe(1);
    expect(other.err).toMatch(/choose another folder/i);
  }, 60_000);

  it("is refused before anything is made where a caption of its samples is too long", async () => {
    const long = setting(`samples={everySteps: 5, captions: [${"very ".repeat(30)}long]}`);
    const { code, err } = await dream(["train", "scenes-test", "--out", at("long"), ...steps, ...long]);
    expect(code).toBe(1);
    expect(err).toMatch(/at most 18 words.*31 words/s);
    expect(existsSync(at("long", "metrics.jsonl"))).toBe(false);
  }, 60_000);
});

describe("settings", () => {
  it.each([
    ["optimiser.wieghtDecay=0.1", /Did you mean "optimiser\.weightDecay"/],
    ["optimiser.weightDecay=high", /set optimiser\.weightDecay: .*expected number/],
    ["optimiser.weightDecay", /PATH=VALUE/],
  ])("that are not understood end with 2 and leave nothing: %s", async (wrong, message) => {
    const { code, err } = await dream(["train", "scenes-test", "--out", at("none"), "--set", wrong]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(existsSync(at("none"))).toBe(false);
  });
});

describe("a run that goes astray", () => {
  /** Every file of checkpoints, by what is in it. */
  const checkpoints = (run: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(run, { recursive: true })
        .map(String)
        .filter((name) => /checkpoint/.test(name) && statSync(join(run, name)).isFile())
        .map((name) => [
          name,
          createHash("sha256")
            .update(readFileSync(join(run, name)))
            .digest("hex"),
        ]),
    );

  it("stops with what is needed to find out why, and its last checkpoint as it was", async () => {
    const run = at("astray");
    // A learning rate that climbs as it should for half of the run, and then falls to a number that nothing survives.
    const args = [
      ...["train", "scenes-test", "--out", run, ...steps],
      ...setting("learningRate.warmupEpochs=6", "learningRate.minimum=1e36"),
    ];
    const first = await dream(args, /Training \d+/);
    expect(first.code, first.err).toBe(130);
    const before = checkpoints(run);
    expect(Object.keys(before).length).toBeGreaterThan(0);
    const { code, err } = await dream(args);
    expect(code, err).toBe(1);
    const step = Number(
      /^dream: training step (\d+): expected finite losses and gradients, got/m.exec(err)?.[1],
    );
    const place = join(run, "non-finite", `step-${String(step).padStart(8, "0")}`);
    expect(err).toContain(place);
    expect(err).toMatch(/last checkpoint is as it was.*lower learningRate\.peak/s);
    expect(checkpoints(run)).toEqual(before);
    expect(journalOf(run).at(-1)!.step).toBe(step - 1);
    const batch = JSON.parse(readFileSync(join(place, "batch.json"), "utf8"));
    expect(batch).toMatchObject({ step, maskRatio: expect.any(Number), losses: { total: "NaN" } });
    expect(batch.learningRate).toBeGreaterThan(1e28);
    expect(batch.samples).toHaveLength(16);
    for (const { number, key } of batch.samples) expect(Number(key)).toBe(number);
    const names = [...openSafetensors(join(place, "state.safetensors")).tensors.keys()];
    expect(names.some((name) => name.startsWith("model."))).toBe(true);
    expect(names.some((name) => name.startsWith("optimiser."))).toBe(true);
  }, 120_000);
});
