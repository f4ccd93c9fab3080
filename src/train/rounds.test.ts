import { describe, expect, it } from "vitest";
import { tinyConfig, tinyGroup, tinyModel, tinyTraining } from "../../test/tiny.js";
import type { DreamConfig } from "../models/dream/config.js";
import { scope, zeros } from "../tensor/index.js";
import { runOf, sharesOf } from "./sharing.js";
import { type StepReport, Trainer, type TrainingConfig } from "./trainer.js";

const config = { ...tinyTraining, batchSize: 12, captionDrop: 0.3 };

const dropping: DreamConfig = { ...tinyConfig, dropout: { attention: 0.2, projection: 0.2 } };

interface Stepped {
  readonly report: StepReport;
  /** After a step these are the gradients, times one factor. */
  readonly moments: (readonly [string, number[]])[];
  readonly parameters: number[][];
  readonly statistics: number[][];
}

/** A step of which some groups are gated and some are filtered. */
function stepped(changed: Partial<TrainingConfig>, model: DreamConfig = tinyConfig): Stepped {
  const trainer = new Trainer(tinyModel(model), { ...config, ...changed }, 5);
  const report = scope(() => trainer.step(tinyGroup(12, 0, 1), zeros([1, 6, 24]), { step: 2, epoch: 18 }));
  return {
    report,
    moments: trainer.optimiser.state().map(([name, tensor]) => [name, tensor.toNumbers()]),
    parameters: trainer.model.parameters().map(([, tensor]) => tensor.toNumbers()),
    statistics: trainer.model.buffers().map(([, tensor]) => tensor.toNumbers()),
  };
}

/** The same to float32 rounding. */
function expectAlike(one: Stepped, other: Stepped): void {
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1e-3, Math.abs(a));
  for (const [name, value] of Object.entries(one.report) as [keyof StepReport, number | null][]) {
    const same = other.report[name];
    expect(value === null || same === null ? value === same : near(value, same), name).toBe(true);
  }
  for (const [i, row] of one.statistics.entries())
    for (const [j, value] of row.entries()) expect(other.statistics[i]![j]).toBeCloseTo(value, 5);
  const length = (row: readonly number[]): number => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  const whole = length(one.moments.filter(([name]) => name.startsWith("mean.")).flatMap(([, row]) => row));
  for (const [i, [name, row]] of one.moments.entries()) {
    const apart = length(row.map((value, j) => value - other.moments[i]![1][j]!));
    // Where the true gradient is zero (what BatchNorm takes away again) there is rounding alone, of the whole's size.
    expect(apart, name).toBeLessThan(2e-5 * length(row) + 1e-6 * whole);
  }
}

describe("a step in rounds", () => {
  it.each([2, 3, 6])("is the step in one, with %i", (accumulation) => {
    for (const maskGroups of [1, 6])
      expectAlike(stepped({ maskGroups }), stepped({ maskGroups, accumulation }));
  });

  it("drops the same both times that a round is run, whichever way", () => {
    const settings = { ...config, maskGroups: 6, accumulation: 3 };
    const classes = { kind: "shared" as const, count: 3, dropProbability: 0.5 };
    const seen = (activations: TrainingConfig["activations"]): number[][] => {
      const trainer = new Trainer(tinyModel({ ...dropping, classes }), { ...settings, activations }, 5);
      const found: number[][] = [];
      const encode = trainer.model.encode.bind(trainer.model);
      trainer.model.encode = (...given) => {
        const encoded = encode(...given);
        found.push(encoded.joint!.images.detach().toNumbers());
        return encoded;
      };
      scope(() => trainer.step(tinyGroup(12, 0, 1), zeros([1, 6, 24]), { step: 2, epoch: 18 }));
      return found;
    };
    const kept = seen("kept");
    // Two rounds without recording, the last one, and the two again.
    expect(kept).toHaveLength(5);
    expect([kept[3], kept[4]]).toEqual([kept[0], kept[1]]);
    expect(kept[1]).not.toEqual(kept[0]);
    expect(seen("recomputed")).toEqual(kept);
  });
});

describe("activations computed again", () => {
  it("give the same step to the bit, dropout included", () => {
    const kept = stepped({ maskGroups: 4 }, dropping);
    const again = stepped({ maskGroups: 4, activations: "recomputed" }, dropping);
    expect(again.report).toEqual(kept.report);
    expect(again.parameters).toEqual(kept.parameters);
  });
});

describe("sharing a batch", () => {
  it("gives groups, or parts of them, in order of place", () => {
    const shares = sharesOf({ batchSize: 16, maskGroups: 2, processes: 2, rounds: 2 });
    expect(shares.map(({ group }) => group)).toEqual([0, 0, 1, 1]);
    expect(shares.map(({ firstPlace }) => firstPlace)).toEqual([0, 4, 8, 12]);
    expect(runOf(shares, 1, 2).map(({ firstPlace }) => firstPlace)).toEqual([8, 12]);
    expect(sharesOf({ batchSize: 16, maskGroups: 8, processes: 2, rounds: 1 })).toHaveLength(8);
  });

  it("refuses what cannot be shared equally", () => {
    expect(() => sharesOf({ batchSize: 16, maskGroups: 3, processes: 2, rounds: 1 })).toThrow(
      /multiple of 3/,
    );
    expect(() => sharesOf({ batchSize: 10, maskGroups: 2, processes: 4, rounds: 1 })).toThrow(
      /multiple of 4/,
    );
  });
});
