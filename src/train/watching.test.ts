import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ReadEvent, readEventFiles } from "../../test/tensorboard.js";
import { tinyConfig, tinyGroup, tinyModel, tinyTraining } from "../../test/tiny.js";
import { BatchOrder } from "../data/order.js";
import type { FeatureSource } from "../features/feature-batch.js";
import { openSafetensors } from "../formats/safetensors.js";
import { paperMasking } from "../models/dream/masking.js";
import { matmulGflops } from "../tensor/benchmark.js";
import { zeros } from "../tensor/index.js";
import { ceilingShare, measureCeiling } from "./ceiling.js";
import { stateOf } from "./checkpoint.js";
import { Journal, type JournalEntry } from "./journal.js";
import { type TrainingRun, train } from "./loop.js";
import { Trainer } from "./trainer.js";
import { TrainingBoard } from "./training-board.js";

const folder = (): string => mkdtempSync(join(tmpdir(), "dream-watching-"));

const newTrainer = (): Trainer =>
  new Trainer(
    tinyModel(tinyConfig),
    {
      ...tinyTraining,
      masking: { ...paperMasking, meanStart: 1, startEpoch: 0 },
      batchSize: 4,
      maskGroups: 1,
      captionDrop: 0,
    },
    4,
  );

/** Samples by their numbers; the latents of one of them are no numbers. */
function sourceWith(poisoned: number): FeatureSource {
  return {
    count: 12,
    emptyCaption: zeros([1, 6, 24]),
    batch: (numbers) => {
      const { latents, captionIds, captions } = tinyGroup(numbers.length, 0, 1 + numbers[0]!);
      const isPoisoned = numbers.includes(poisoned);
      return { latents: isPoisoned ? latents.mul(Number.NaN) : latents, captionIds, captions };
    },
    keysOf: (numbers) => numbers.map((number) => `picture-${number}`),
  };
}

function runIn(run: string, changes: Partial<TrainingRun> = {}): TrainingRun {
  return {
    trainer: newTrainer(),
    source: sourceWith(-1),
    order: new BatchOrder(12, 4, 1),
    journal: new Journal(join(run, "metrics.jsonl")),
    firstStep: 0,
    stepCount: 3,
    checkpoints: { store: null, everyMinutes: 1e-9 },
    nonFiniteFolder: join(run, "non-finite"),
    ceiling: null,
    ...changes,
  };
}

describe("a step without finite losses", () => {
  it("ends training, and leaves its samples' names, its numbers and the state before it", async () => {
    const run = folder();
    const order = new BatchOrder(12, 4, 1);
    const numbers = order.batch(2);
    const trainer = newTrainer();
    const changes = { trainer, source: sourceWith(numbers[3]!) };
    const place = join(run, "non-finite", "step-00000002");
    await expect(train(runIn(run, changes))).rejects.toThrow(
      new RegExp(
        `training step 2: expected finite losses and gradients, got .*NaN.*the state are in ${place}.*Try a lower`,
        "s",
      ),
    );
    expect(JSON.parse(readFileSync(join(place, "batch.json"), "utf8"))).toMatchObject({
      step: 2,
      epoch: 2 / 3,
      learningRate: 1e-3,
      maskRatio: expect.any(Number),
      losses: { total: "NaN" },
      samples: numbers.map((number) => ({ number, key: `picture-${number}` })),
    });
    const { metadata, tensors } = openSafetensors(join(place, "state.safetensors"));
    expect(metadata).toMatchObject({ step: "2", optimiserSteps: "2" });
    for (const [name, tensor] of stateOf(trainer))
      expect(Buffer.from(tensors.get(name)!.bytes()).equals(tensor.toBytes()), name).toBe(true);
    expect(new Journal(join(run, "metrics.jsonl")).read().map(({ step }) => step)).toEqual([0, 1]);
  });

  it("is told even where nothing can be kept", async () => {
    const run = folder();
    writeFileSync(join(run, "non-finite"), "in the way");
    const source = sourceWith(new BatchOrder(12, 4, 1).batch(0)[0]!);
    await expect(train(runIn(run, { source }))).rejects.toThrow(
      /training step 0: .*NaN.*could not be kept \(write/s,
    );
  });
});

describe("the ceiling", () => {
  it("is what the machine multiplies, and a step's share of it goes by its mask ratio and time", async () => {
    const trainer = newTrainer();
    const ceiling = measureCeiling(trainer, ({ maskRatio }) => 1e9 * (2 - maskRatio));
    const again = 1e9 * matmulGflops("cpu", "float32", 3);
    // A busy machine is slower, not a hundred times.
    expect(ceiling.flopsPerSecond / again).toBeGreaterThan(0.01);
    expect(ceiling.flopsPerSecond / again).toBeLessThan(100);
    expect(
      ceilingShare({ ...ceiling, flopsPerSecond: 4e9 }, { maskRatio: 0.5, generativeShare: 1 }, 0.75),
    ).toBeCloseTo(0.5, 10);
    expect(ceilingShare(null, { maskRatio: 0.5, generativeShare: 1 }, 1)).toBeNull();
    const run = folder();
    await train(runIn(run, { trainer, ceiling: { flopsPerSecond: 1e9, stepFlops: () => 5e8 } }));
    for (const { ceilingShare: share, seconds } of new Journal(join(run, "metrics.jsonl")).read())
      expect(share).toBeCloseTo(0.5 / seconds, 10);
  });
});

describe("the board", () => {
  const entry = (step: number): JournalEntry => ({
    step,
    epoch: step / 3,
    generativeLoss: 0.5,
    contrastiveLoss: 2,
    alignmentLoss: null,
    totalLoss: 0.6,
    maskRatio: 0.75,
    contrastiveShare: 0.25,
    generativeShare: 1,
    gradientNorm: 1.5,
    learningRate: 1e-3,
    imagesPerSecond: 100,
    seconds: 0.04,
    ceilingShare: step === 0 ? null : 0.5,
  });

  it("has every number of every step under its tag, counted from 1, and begins a new file where a run goes on", () => {
    const path = join(folder(), "tensorboard");
    const first = new TrainingBoard(path, 0);
    expect(existsSync(path)).toBe(false);
    first.text("recipe", "name: x");
    for (const step of [0, 1, 2]) first.step(entry(step));
    first.picture("samples", 2, { png: Buffer.from("a picture"), width: 1, height: 1 });
    const second = new TrainingBoard(path, 2);
    second.step(entry(2));
    const [before, after] = readEventFiles(path) as [ReadEvent[], ReadEvent[]];
    expect(before.map(({ step, isStart }) => [step, isStart])).toEqual([
      [0, false],
      [1, true],
      [1, false],
      [1, false],
      [2, false],
      [3, false],
      [2, false],
    ]);
    expect(before.at(-1)!.pictures.samples!.toString()).toBe("a picture");
    expect(after.map(({ step, isStart }) => [step, isStart])).toEqual([
      [0, false],
      [3, true],
      [3, false],
    ]);
    const expected = {
      "loss/generative": 0.5,
      "loss/contrastive": 2,
      "loss/total": Math.fround(0.6),
      "masking/ratio": 0.75,
      "masking/generative_share": 1,
      "masking/contrastive_share": 0.25,
      "optimiser/gradient_norm": 1.5,
      "optimiser/learning_rate": Math.fround(1e-3),
      "speed/images_per_second": 100,
    };
    expect(before[3]!.scalars).toEqual(expected);
    expect(after[2]!.scalars).toEqual({ ...expected, "speed/ceiling_share": 0.5 });
    expect(readdirSync(path)).toHaveLength(2);
  });
});
