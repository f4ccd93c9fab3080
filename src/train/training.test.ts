import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tinyConfig, tinyGroup, tinyModel, tinyTraining } from "../../test/tiny.js";
import type { FeatureBatch } from "../features/feature-batch.js";
import { sourcesOf } from "../nn/index.js";
import {
  call,
  Generator,
  liveTensorCount,
  noGrad,
  randn,
  scope,
  type Tensor,
  tensor,
  zeros,
} from "../tensor/index.js";
import { decays } from "./adamw.js";
import { stateOf as checkpointed, loadCheckpoint } from "./checkpoint.js";
import { writeCheckpoint } from "./checkpoint-folder.js";
import { findCheckpoint, type SavedCheckpoint } from "./checkpoint-reader.js";
import { isBlockMatrix, Muon, orthogonal } from "./muon.js";
import { clipFactor, gradientNorm } from "./optimiser.js";
import { learningRateAt, scaledLearningRate } from "./schedules.js";
import { Trainer, type TrainingConfig } from "./trainer.js";

const config = tinyTraining;

const empty = zeros([1, 6, 24]);
const batchOf = (step: number): FeatureBatch => tinyGroup(6, 0, 100 + step);

const withMuon: TrainingConfig = {
  ...config,
  optimiser: { ...config.optimiser, muon: { momentum: 0.95, rate: 1 } },
};

function freshTrainer(settings = config): Trainer {
  // With dropout, so that the default generator matters too.
  const model = tinyModel({ ...tinyConfig, dropout: { attention: 0.1, projection: 0.1 } });
  return new Trainer(model, settings, 4);
}

function run(trainer: Trainer, from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) =>
    scope(() => trainer.step(batchOf(from + i), empty, { step: from + i, epoch: 20 }).totalLoss),
  );
}

/** A trainer's checkpoint on disk. */
async function saved(trainer: Trainer, step: number): Promise<SavedCheckpoint> {
  const folder = mkdtempSync(join(tmpdir(), "dream-checkpoint-"));
  const notes = {
    step,
    optimiserSteps: trainer.optimiser.stepCount,
    recipeHash: "abc",
    recipe: {},
    processes: 1,
  };
  await writeCheckpoint(folder, sourcesOf(checkpointed(trainer)), notes);
  return (await findCheckpoint(folder)).newest!;
}

const stateOf = (trainer: Trainer): number[][] =>
  [...trainer.model.namedTensors(), ...trainer.average.state(), ...trainer.optimiser.state()].map(([, t]) =>
    t.toNumbers(),
  );

describe("training", () => {
  it.each([
    ["AdamW", config],
    ["Muon", withMuon],
  ])(
    "repeats itself to the bit, and goes on from a checkpoint as if it had not stopped: %s",
    async (_, settings) => {
      const whole = freshTrainer(settings);
      const losses = run(whole, 0, 6);
      const first = freshTrainer(settings);
      const before = run(first, 0, 3);
      const checkpoint = await saved(first, 3);
      const second = freshTrainer(settings);
      run(second, 40, 42);
      expect(loadCheckpoint(checkpoint, second)).toBe(3);
      expect([...before, ...run(second, 3, 6)]).toEqual(losses);
      expect(stateOf(second)).toEqual(stateOf(whole));
    },
  );

  it("leaves no tensor behind", () => {
    const trainer = freshTrainer();
    run(trainer, 0, 2);
    const live = liveTensorCount();
    run(trainer, 2, 6);
    expect(liveTensorCount()).toBe(live);
  });

  it("stops at a loss that is no number, with the parameters as they were", () => {
    const trainer = freshTrainer();
    const before = stateOf(trainer);
    const broken = { ...batchOf(0), latents: batchOf(0).latents.mul(Number.NaN) };
    expect(() => trainer.step(broken, empty, { step: 0, epoch: 20 })).toThrow(
      /expected finite losses and gradients, got .*NaN/,
    );
    // BatchNorm's statistics have seen the batch; nothing that is trained has.
    const trained = new Set(trainer.model.parameters().map(([name]) => name));
    for (const [i, [name]] of [...trainer.model.namedTensors()].entries())
      if (trained.has(name))
        expect([...trainer.model.namedTensors()][i]![1].toNumbers(), name).toEqual(before[i]);
  });

  it("refuses a batch that the mask groups cannot share", () => {
    expect(() => freshTrainer({ ...config, batchSize: 5 })).toThrow(/a batchSize that is a multiple of 2/);
    expect(() => freshTrainer().step(tinyGroup(5, 0, 1), empty, { step: 0, epoch: 0 })).toThrow(
      /6 images.*5 images/s,
    );
  });

  it("refuses a checkpoint of another model by naming every key", async () => {
    const checkpoint = await saved(freshTrainer(), 1);
    const other = new Trainer(tinyModel({ ...tinyConfig, alignerDepth: 2 }), config, 1);
    expect(() => loadCheckpoint(checkpoint, other)).toThrow(/48 missing: model\.textAligner\.blocks\.1/);
  });
});

describe("the optimiser", () => {
  it("clips to the global norm and tells the norm before", () => {
    const gradients = [tensor([3, 0], [2]), tensor([4], [1])];
    expect(gradientNorm(gradients)).toBeCloseTo(5, 6);
    expect(clipFactor(5, 1)).toBeCloseTo(0.2, 6);
    expect(clipFactor(5, 10)).toBe(1);
  });

  it("decays matrices, embeddings and the logit scale, not biases, norms and the head", () => {
    const model = tinyModel();
    const decayed = new Set(
      model
        .parameters()
        .filter(decays)
        .map(([name]) => name),
    );
    for (const name of [
      "encoder.positions",
      "logitScale",
      "encoder.fakeLatent",
      "textTower.tokenEmbedding.weight",
    ])
      expect(decayed.has(name), name).toBe(true);
    for (const name of ["encoder.inputProjection.bias", "encoder.norm.weight", "diffusionHead.input.weight"])
      expect(decayed.has(name), name).toBe(false);
  });

  it("makes a matrix orthogonal, of either shape, without turning its singular vectors", () => {
    for (const shape of [
      [12, 40],
      [40, 12],
    ] as const) {
      const matrix = randn(shape, { generator: Generator.fromSeed(5) });
      const made = orthogonal(matrix, "float32");
      const small = shape[0] < shape[1] ? made.mm(made.t()) : made.t().mm(made);
      // Its singular values are the square roots of this one's: 0.7 to 1.2.
      const values = call("aten::linalg_eigvalsh", small) as Tensor;
      expect(values.amin().item()).toBeGreaterThan(0.45);
      expect(values.amax().item()).toBeLessThan(1.5);
      // For U S V^T with a nearly even S the product with U S' V^T stays symmetric.
      const product = shape[0] < shape[1] ? matrix.mm(made.t()) : matrix.t().mm(made);
      expect(product.sub(product.t()).abs().amax().item()).toBeLessThan(1e-3);
    }
  });

  it("gives Muon the matrices inside blocks, and steps them by its rate whatever the gradient's size", () => {
    const model = tinyModel();
    const names = model
      .parameters()
      .filter(isBlockMatrix)
      .map(([name]) => name);
    for (const name of ["encoder.blocks.0.attention.qkv.weight", "diffusionHead.blocks.1.modulation.weight"])
      expect(names, name).toContain(name);
    for (const name of [
      "textTower.tokenEmbedding.weight",
      "decoder.embedding.weight",
      "diffusionHead.final.linear.weight",
    ])
      expect(names, name).not.toContain(name);
    const steps = [1e-4, 1e4].map((size) => {
      const matrix = zeros([16, 64]);
      const muon = new Muon([["blocks.0.weight", matrix]], {
        momentum: 0.9,
        rate: 2,
        weightDecay: 0,
        precision: "float32",
      });
      muon.step([randn([16, 64], { generator: Generator.fromSeed(6) }).mul(size)], 1e-3, 1);
      return matrix.pow(2).mean().sqrt().item();
    });
    expect(steps[0]).toBeCloseTo(steps[1]!, 6);
    // Even singular values of 1 and 16 rows of 64 have a mean square of 1/64: 0.2 * 8 * 2e-3 / 8.
    expect(steps[0]).toBeGreaterThan(0.7 * 4e-4);
    expect(steps[0]).toBeLessThan(1.2 * 4e-4);
  });

  it("moves averages by their rate", () => {
    const trainer = freshTrainer();
    noGrad(() => trainer.model.logitScale.fill_(1));
    const { average } = trainer;
    average
      .state()
      .find(([name]) => name === "logitScale")![1]
      .fill_(0);
    average.update();
    expect(
      average
        .state()
        .find(([name]) => name === "logitScale")![1]
        .item(),
    ).toBeCloseTo(0.1, 6);
  });
});

describe("the learning rate", () => {
  it("begins at 0, climbs linearly, and then stays or falls by a half cosine", () => {
    const schedule = { kind: "constant", peak: 8e-4, minimum: 0, warmupEpochs: 12, totalEpochs: 48 } as const;
    expect([0, 6, 12, 40].map((epoch) => learningRateAt(schedule, epoch))).toEqual([0, 4e-4, 8e-4, 8e-4]);
    expect(learningRateAt({ ...schedule, kind: "cosine", minimum: 1e-4 }, 30)).toBeCloseTo(4.5e-4, 10);
    expect(scaledLearningRate(1e-4, 2048)).toBeCloseTo(8e-4, 12);
  });
});
