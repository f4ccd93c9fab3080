import { describe, expect, it } from "vitest";
import { DrawingEngine } from "../../src/generate/engine.js";
import { drawLatents } from "../../src/generate/generate.js";
import { SeededNoise, seededOrders } from "../../src/generate/noise.js";
import type { DrawingRequest } from "../../src/generate/request.js";
import { ancestral, type Guidance } from "../../src/generate/schedule.js";
import type { Selection } from "../../src/generate/selection.js";
import type { DreamConfig } from "../../src/models/dream/config.js";
import { patchify } from "../../src/models/dream/tokens.js";
import { scope, type Tensor } from "../../src/tensor/index.js";
import { tinyConfig, tinyGroup, tinyModel } from "../tiny.js";
import { drawNaively } from "./drawing.js";

const { captions, captionIds } = tinyGroup(3, 0, 20);
const empty = captions.narrow(0, 0, 1).mul(0.3);
const seeds = [5, 6, 7];

const deeper: DreamConfig = { ...tinyConfig, decoder: { ...tinyConfig.decoder, depth: 3 } };
const shallow: DreamConfig = { ...tinyConfig, decoder: { ...tinyConfig.decoder, depth: 1 } };
const inner: DreamConfig = { ...tinyConfig, joint: { ...tinyConfig.joint, depth: 1 } };
const velocity: DreamConfig = { ...tinyConfig, diffusion: { kind: "velocity", steps: 5 } };

const linear: Guidance = { kind: "linear", scale: 3 };
const once: Selection = { kind: "once", candidates: 4, atStep: 3 };

interface Case {
  readonly name: string;
  readonly config?: DreamConfig;
  readonly guidance?: Guidance;
  readonly selection?: Selection;
  readonly stepCount?: number;
  /** How many tokens of given pictures are drawn anew. */
  readonly redrawn?: number;
  /** A caption to lead away from, in the empty one's place. */
  readonly negative?: Tensor;
  /** Steps from one computation of the branch without caption to the next. */
  readonly guidanceEvery?: number;
}

/** Everything that is saved comes in here: text memory, the shared encoding, block and first step, the scores' passes, the last block. */
const cases: readonly Case[] = [
  { name: "plainly" },
  { name: "without guidance", guidance: { kind: "none" } },
  { name: "with constant guidance", guidance: { kind: "constant", scale: 2 } },
  { name: "a velocity model", config: velocity, selection: once },
  { name: "three decoder blocks", config: deeper, selection: once },
  { name: "one decoder block", config: shallow, selection: once },
  { name: "scores from an inner block", config: inner, selection: once },
  { name: "candidates without guidance", guidance: { kind: "none" }, selection: once },
  { name: "a choice after the first step", selection: { ...once, atStep: 1 } },
  { name: "a choice in each step", selection: { kind: "each-step", candidates: 3, fromStep: 2 } },
  {
    name: "a choice in each step from the first on",
    selection: { kind: "each-step", candidates: 3, fromStep: 0 },
  },
  { name: "more steps than tokens", stepCount: 20 },
  { name: "one step", stepCount: 1 },
  { name: "a part of given pictures", redrawn: 9 },
  { name: "the branch without caption in every second step", guidanceEvery: 2 },
  { name: "the same in every third, chosen among candidates", guidanceEvery: 3, selection: once },
  {
    name: "the same, chosen in each step",
    guidanceEvery: 2,
    selection: { kind: "each-step", candidates: 2, fromStep: 1 },
  },
  { name: "the same, more steps than tokens", guidanceEvery: 2, stepCount: 20 },
  { name: "away from another caption", negative: captions.narrow(0, 1, 1).mul(2) },
  { name: "a part of given pictures, chosen among candidates", redrawn: 12, selection: once },
];

describe("the engine draws what the release's way of drawing gives", () => {
  it.each(cases)(
    "$name",
    ({
      config,
      guidance = linear,
      selection = { kind: "none" },
      stepCount = 6,
      redrawn,
      negative = null,
      guidanceEvery = 1,
    }) => {
      scope(() => {
        const model = tinyModel(config);
        model.setMode("eval");
        const request = () => ({
          captions,
          captionIds,
          classes: null,
          orders: seededOrders(seeds, 16),
          noise: new SeededNoise(seeds),
          stepCount,
          guidance,
          temperature: 0.9,
          sampling: ancestral,
          negative,
          given: redrawn === undefined ? null : givenPictures(redrawn),
          guidanceEvery,
          selection,
        });
        const naive = drawNaively(model, negative ?? empty, request());
        const scores: number[] = [];
        const engine = new DrawingEngine(model, empty);
        const latents = drawLatents(engine, request(), (event) => {
          if (event.kind === "choice") scores.push(...event.scores);
        });
        expectClose(scores, naive.scores.flat(2));
        expectClose(latents.toNumbers(), naive.latents.toNumbers());
        engine.dispose();
      });
    },
  );
});

/** Random pictures that hide so many tokens each. */
function givenPictures(hidden: number): DrawingRequest["given"] {
  const { latents, mask } = tinyGroup(3, hidden, 8);
  return { tokens: patchify(latents, 2), hidden: mask };
}

/** Within float32's rounding over a drawing, of the largest. */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs), 0);
  const apart = Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)), 0);
  expect(apart).toBeLessThanOrEqual(2e-5 * largest);
}
