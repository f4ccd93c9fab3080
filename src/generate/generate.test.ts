import { describe, expect, it } from "vitest";
import { tinyConfig, tinyGroup, tinyModel } from "../../test/tiny.js";
import type { DreamModel } from "../models/dream/dream.js";
import { patchify } from "../models/dream/tokens.js";
import { scope, type Tensor, tensor } from "../tensor/index.js";
import { DrawingEngine, type Precision } from "./engine.js";
import { drawLatents } from "./generate.js";
import { candidateSeed, SeededNoise, seededOrders } from "./noise.js";
import type { DrawingEvent, DrawingRequest } from "./request.js";
import { ancestral } from "./schedule.js";
import type { Selection } from "./selection.js";

const model = tinyModel({ ...tinyConfig, diffusion: { kind: "velocity", steps: 5 } });
const { captions, captionIds } = tinyGroup(3, 0, 20);
const empty = captions.narrow(0, 0, 1).mul(0);

interface Drawn extends Partial<DrawingRequest> {
  /** Which of the captions, one for each seed; the first ones where left out. */
  readonly images?: readonly [start: number, count: number];
  readonly observe?: (event: DrawingEvent) => void;
  readonly by?: DreamModel;
  readonly precision?: Precision;
}

function draw(
  seeds: readonly number[],
  { images = [0, seeds.length], observe, by, precision, ...changes }: Drawn = {},
): number[] {
  return scope(() => {
    const part = (x: Tensor): Tensor => x.narrow(0, ...images);
    const request = {
      captions: part(captions),
      negative: null,
      captionIds: part(captionIds),
      classes: null,
      orders: seededOrders(seeds, 16),
      given: null,
      noise: new SeededNoise(seeds),
      stepCount: 6,
      guidance: { kind: "linear", scale: 3 } as const,
      guidanceEvery: 1,
      temperature: 1,
      sampling: ancestral,
      selection: { kind: "none" } as const,
      ...changes,
    };
    const engine = new DrawingEngine(by ?? model, empty, precision === undefined ? {} : { precision });
    return drawLatents(engine, request, observe).toNumbers();
  });
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs(actual[i]! - value)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
}

const once: Selection = { kind: "once", candidates: 3, atStep: 3 };

describe("drawing", () => {
  it("gives the same picture for the same seed, alone or in a batch", () => {
    const all = draw([5, 6, 7]);
    expectClose(draw([6], { images: [1, 1] }), all.slice(all.length / 3, (2 * all.length) / 3));
    expect(draw([5, 6, 7])).toEqual(all);
    expect(draw([8], { images: [1, 1] })).not.toEqual(draw([6], { images: [1, 1] }));
  });

  it("leaves the model's mode as it was", () => {
    model.setMode("train");
    draw([1]);
    expect(model.mode).toBe("train");
  });

  it("draws every token once, in order of its steps", () => {
    const drawn = new Set<number>();
    draw([5], {
      guidance: { kind: "none" },
      observe: (event) => {
        if (event.kind !== "step") return;
        for (const [n, bit] of event.drawn.bits.entries())
          if (bit === 1) {
            expect(drawn.has(n)).toBe(false);
            drawn.add(n);
          }
      },
    });
    expect(drawn.size).toBe(16);
  });
});

it("draws nearly the same in bfloat16", () => {
  const by = tinyModel({ ...tinyConfig, diffusion: { kind: "velocity", steps: 2 } });
  const inPrecision = (precision: Precision): number[] => draw([5, 6], { by, precision, stepCount: 2 });
  const [exact, rounded] = [inPrecision("float32"), inPrecision("bfloat16")];
  const size = (of: readonly number[]): number => Math.hypot(...of);
  const apart = size(exact.map((value, i) => value - rounded[i]!)) / size(exact);
  expect(apart).toBeGreaterThan(1e-5);
  expect(apart).toBeLessThan(0.05);
});

describe("a picture in hand", () => {
  it("keeps what is not hidden to the bit, and draws the rest", () => {
    const { latents, mask } = tinyGroup(2, 7, 4);
    const tokens = patchify(latents, 2);
    const drawn = draw([5, 6], { selection: once, given: { tokens, hidden: mask } });
    const [before, after] = [tokens.toNumbers(), patchify(tensor(drawn, latents.shape), 2).toNumbers()];
    for (const [token, bit] of mask.bits.entries()) {
      const part = (of: readonly number[]): number[] => of.slice(token * 16, (token + 1) * 16);
      if (bit === 0) expect(part(after)).toEqual(part(before));
      else expect(part(after)).not.toEqual(part(before));
    }
  });
});

describe("Semantically Aligned Decoding", () => {
  it("finishes the candidate that scores highest", () => {
    let choice: Extract<DrawingEvent, { kind: "choice" }> | undefined;
    draw([5, 6], {
      selection: once,
      observe: (event) => {
        if (event.kind === "choice") choice = event;
      },
    });
    const { trajectories, scores, kept } = choice!;
    expect(trajectories.map(({ image, candidate }) => `${image}:${candidate}`)).toEqual([
      "0:0",
      "1:0",
      "0:1",
      "1:1",
      "0:2",
      "1:2",
    ]);
    expect(kept.length).toBe(2);
    for (const place of kept)
      for (const [other, { image }] of trajectories.entries())
        if (image === trajectories[place]!.image) expect(scores[other]).toBeLessThanOrEqual(scores[place]!);
  });

  it("with one candidate draws what plain decoding draws", () => {
    expectClose(draw([5, 6], { selection: { ...once, candidates: 1 } }), draw([5, 6]));
    expectClose(draw([5, 6], { selection: { kind: "each-step", candidates: 1, fromStep: 2 } }), draw([5, 6]));
  });

  it("chooses at every step from the threshold on where asked", () => {
    const chosenAt: number[] = [];
    draw([5], {
      selection: { kind: "each-step", candidates: 2, fromStep: 2 },
      observe: (event) => {
        if (event.kind === "choice") chosenAt.push(event.step.index);
      },
    });
    expect(chosenAt).toEqual([2, 3, 4, 5]);
  });

  const halving: Selection = {
    kind: "halving",
    candidates: 4,
    rounds: [
      { atStep: 1, kept: 3 },
      { atStep: 2, kept: 2 },
      { atStep: 4, kept: 1 },
    ],
    separation: null,
  };

  it("drops the worst in rounds, and finishes what each survivor alone would have become", () => {
    const left: number[] = [];
    let last = 0;
    const drawn = draw([5], {
      selection: halving,
      observe: (event) => {
        if (event.kind !== "choice") return;
        left.push(event.kept.length);
        last = event.trajectories[event.kept[0]!]!.candidate;
      },
    });
    expect(left).toEqual([3, 2, 1]);
    expectClose(drawn, draw([candidateSeed(5, last)], { orders: seededOrders([5], 16) }));
  });

  it("stops choosing where scores have parted, and draws on as many as are left of each image", () => {
    const rows: number[] = [];
    const observe = (event: DrawingEvent): void => {
      if (event.kind === "step") rows.push(event.trajectories.length);
    };
    draw([5, 6], { selection: { ...halving, separation: 0 }, observe });
    expect(rows).toEqual([8, 2, 2, 2, 2, 2]);
    rows.length = 0;
    draw([5, 6], { selection: { ...halving, separation: 10 }, observe });
    expect(rows).toEqual([8, 6, 4, 4, 2, 2]);
  });

  it("refuses rounds that do not come down to one", () => {
    const rounds = (...pairs: readonly [number, number][]): Selection => ({
      ...halving,
      rounds: pairs.map(([atStep, kept]) => ({ atStep, kept })),
    });
    for (const bad of [
      rounds(),
      rounds([2, 2]),
      rounds([2, 5], [3, 1]),
      rounds([3, 2], [2, 1]),
      rounds([2, 2], [2, 1]),
    ])
      expect(() => draw([5], { selection: bad })).toThrow(/rounds at ever later steps/);
  });

  it("refuses a choice before the first step or after the last", () => {
    for (const atStep of [0, 6])
      expect(() => draw([5], { selection: { ...once, atStep } })).toThrow(/a step from 1 to 5/);
  });
});
