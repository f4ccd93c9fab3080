import { describe, expect, it } from "vitest";
import { tinyConfig, tinyModel } from "../../test/tiny.js";
import { Encoder } from "../models/dream/encoder.js";
import { Block, dropPath, loadState, noDropout, stateInMemory } from "../nn/index.js";
import {
  Generator,
  noGrad,
  ones,
  randn,
  scope,
  seedDefaultGenerators,
  type Tensor,
  tensor,
} from "../tensor/index.js";
import { fineTune, usualFineTune } from "./fine-tune.js";
import { FineTuned, isDecayed, layerFactor } from "./fine-tuned.js";
import type { LabelledFeatures } from "./labelled-features.js";
import { RatedAdamW } from "./rated-adamw.js";

const difference = (a: Tensor, b: Tensor): number => a.sub(b).abs().flatten().amax([0]).item();

describe("drop path", () => {
  it("leaves residuals out sample by sample, and scales the others as timm does", () => {
    scope(() => {
      seedDefaultGenerators("drop path");
      const dropped = dropPath(ones([4000, 2, 3]), 0.4);
      const first = dropped.select(1, 0).select(1, 0);
      const values = first.toNumbers();
      // A sample is kept or left out as a whole.
      expect(difference(dropped, first.reshape([-1, 1, 1]).expand([4000, 2, 3]))).toBe(0);
      const kept = values.filter((value) => value !== 0);
      for (const value of new Set(kept)) expect(value).toBeCloseTo(1 / 0.6, 6);
      expect(kept.length / 4000).toBeGreaterThan(0.57);
      expect(kept.length / 4000).toBeLessThan(0.63);
      const x = ones([2, 1, 1]);
      expect(dropPath(x, 0)).toBe(x);
    });
  });

  it("gives a block's residuals in all or nothing, in training alone", () => {
    scope(() => {
      const size = { width: 8, heads: 2, mlpWidth: 16, epsilon: 1e-6, dropout: noDropout };
      const [plain, dropping] = [new Block(size), new Block(size, "cpu", 0.5)];
      const random = Generator.fromSeed(2);
      noGrad(() => {
        for (const [, one] of plain.namedTensors()) one.normal_(0, 0.5, { generator: random });
      });
      loadState([...dropping.namedTensors()], stateInMemory("block", [...plain.namedTensors()]));
      const x = randn([1, 3, 8], { generator: random }).expand([64, 3, 8]).contiguous();
      const after = noGrad(() => {
        dropping.setMode("eval");
        expect(difference(dropping.forward(x), plain.forward(x))).toBe(0);
        dropping.setMode("train");
        return dropping.forward(x);
      });
      const attention = plain.attention.forward(plain.norm1.forward(x.narrow(0, 0, 1))).mul(2);
      const start = x.narrow(0, 0, 1);
      const possible = [start, start.add(attention)].flatMap((y) => [
        y,
        y.add(plain.mlp.forward(plain.norm2.forward(y)).mul(2)),
      ]);
      const found = Array.from({ length: 64 }, (_, i) =>
        possible.findIndex((one) => difference(one, after.narrow(0, i, 1)) < 1e-4),
      );
      expect([...new Set(found)].sort()).toEqual([0, 1, 2, 3]);
    });
  });

  it("grows with depth from none at the first block", () => {
    scope(() => {
      const encoder = new Encoder(tinyConfig, "cpu", 0.9);
      const random = Generator.fromSeed(3);
      noGrad(() => {
        for (const [, one] of encoder.namedTensors()) one.normal_(0, 0.3, { generator: random });
        const x = randn([40, 5, 32], { generator: random });
        const [first, last] = encoder.blocks as [Block, Block];
        const change = (block: Block): number =>
          difference(block.setMode("train").forward(x), block.setMode("eval").forward(x));
        expect(change(first)).toBe(0);
        expect(change(last)).toBeGreaterThan(0.1);
      });
    });
  });
});

describe("how fast layers learn", () => {
  it("is MAE's, by a parameter's name", () => {
    const factor = (name: string): number => layerFactor(name, 12, 0.65);
    for (const name of ["head.weight", "norm.bias"]) expect(factor(name)).toBe(1);
    expect(factor("encoder.blocks.11.mlp.fc1.weight")).toBeCloseTo(0.65, 12);
    expect(factor("encoder.blocks.1.norm1.bias")).toBeCloseTo(0.65 ** 11, 12);
    for (const name of ["encoder.positions", "encoder.fakeLatent", "encoder.inputProjection.weight"])
      expect(factor(name)).toBeCloseTo(0.65 ** 13, 12);
  });

  it("leaves biases, norms, positions and tokens without decay, and what nothing depends on alone", () => {
    scope(() => {
      const tuned = new FineTuned(tinyModel(), 3, 0, Generator.fromSeed(1));
      const names = tuned.learning().map(([name]) => name);
      expect(names.filter((name) => /encoder\.(norm|classEmbedding)/.test(name))).toEqual([]);
      const decayed = tuned
        .learning()
        .filter(isDecayed)
        .map(([name]) => name);
      expect(decayed.every((name) => name.endsWith(".weight") && !/norm/i.test(name))).toBe(true);
      expect(decayed).toContain("head.weight");
      expect(decayed).toHaveLength(2 * 4 + 2);
    });
  });

  it("moves each parameter by its own rate, and decays apart from the gradient", () => {
    scope(() => {
      const [fast, columns] = [ones([2]), ones([2, 2])];
      const optimiser = new RatedAdamW([
        { tensor: fast, rate: 0.1, weightDecay: 0.5 },
        { tensor: columns, rate: tensor([0.1, 0.2], [2]), weightDecay: 0 },
      ]);
      // The first step is the gradient's sign, whatever its size.
      optimiser.step([tensor([3, -3], [2]), ones([2, 2]).mul(0.01)], 0.5);
      expect(fast.toNumbers()[0]).toBeCloseTo(1 - 0.05 * (1 + 0.5), 5);
      expect(fast.toNumbers()[1]).toBeCloseTo(1 - 0.05 * (-1 + 0.5), 5);
      const wanted = [0.95, 0.9, 0.95, 0.9];
      for (const [i, value] of columns.toNumbers().entries()) expect(value).toBeCloseTo(wanted[i]!, 5);
      optimiser.dispose();
    });
  });
});

describe("fine-tuning", () => {
  const settings = { ...usualFineTune, rate: 2e-3, epochs: 6, warmupEpochs: 1, batchSize: 24 };

  /** Pictures of three classes, told by a pattern that is weak in noise. */
  function pictures(count: number, seed: number): LabelledFeatures {
    const labels = Array.from({ length: count }, (_, i) => i % 3);
    const patterns = randn([3, 4, 8, 8], { generator: Generator.fromSeed(9) });
    const told = patterns.indexSelect(0, tensor(labels, [count], { dtype: "int64" }));
    return { features: randn([count, 4, 8, 8], { generator: Generator.fromSeed(seed) }).add(told), labels };
  }

  it("learns what pictures show, repeats itself, and leaves the model as it was", async () => {
    const model = tinyModel();
    const before = model.parameters().map(([, one]) => one.toNumbers());
    const splits = { train: pictures(240, 1), test: pictures(60, 2) };
    const told: number[] = [];
    const tune = (seed: number) =>
      fineTune(model, splits, 3, { ...settings, seed }, (step, steps) => told.push(step / steps));
    const first = await tune(1);
    expect(first.outcomes).toHaveLength(60);
    expect(first.outcomes.filter((one) => one).length).toBeGreaterThan(50);
    // Smoothed labels keep the loss from 0: their entropy is 0.29 with three classes and 0.1.
    expect(first.loss).toBeGreaterThan(0.28);
    expect(told.at(-1)).toBe(1);
    expect(told).toHaveLength(60);
    expect(await tune(1)).toEqual(first);
    expect((await tune(2)).loss).not.toBe(first.loss);
    for (const [i, [name, one]] of model.parameters().entries())
      expect(one.toNumbers(), name).toEqual(before[i]);
  });

  it("refuses labels out of range, and a loss that is no number", async () => {
    const model = tinyModel();
    const good = pictures(48, 1);
    await expect(fineTune(model, { train: good, test: good }, 2, settings)).rejects.toThrow(
      /labels from 0 to 1/,
    );
    const broken = { ...good, features: good.features.mul(Number.NaN) };
    await expect(fineTune(model, { train: broken, test: good }, 3, settings)).rejects.toThrow(
      "finite features",
    );
    const steep = { ...settings, rate: 1e30 };
    await expect(fineTune(model, { train: good, test: good }, 3, steep)).rejects.toThrow(/loss is (NaN|Inf)/);
  });
});
