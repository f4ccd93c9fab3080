import { describe, expect, it } from "vitest";
import { countedProducts } from "../../test/counted-products.js";
import { tinyConfig, tinyGroup, tinyModel } from "../../test/tiny.js";
import { DrawingEngine } from "../generate/engine.js";
import { drawLatents } from "../generate/generate.js";
import { SeededNoise, seededOrders } from "../generate/noise.js";
import { ancestral, decodingSchedule, type Guidance, type TokenSampling } from "../generate/schedule.js";
import type { Selection } from "../generate/selection.js";
import type { DreamConfig } from "../models/dream/config.js";
import { scope } from "../tensor/index.js";
import { callFlops, callSeconds, drawingCalls } from "./drawing.js";

const batch = 3;
const stepCount = 6;
const seeds = [1, 2, 3];
const { captions, captionIds } = tinyGroup(batch, 0, 20);

interface Drawn {
  readonly config?: DreamConfig;
  readonly guidance?: Guidance;
  readonly selection?: Selection;
  readonly sampling?: TokenSampling;
  readonly guidanceEvery?: number;
}

/** Both counts of one drawing with an engine that has drawn before. */
function counts({ config = tinyConfig, guidance = { kind: "linear", scale: 3 }, ...how }: Drawn) {
  const { selection = { kind: "none" }, sampling = ancestral, guidanceEvery = 1 } = how;
  return scope(() => {
    const model = tinyModel(config);
    const engine = new DrawingEngine(model, captions.narrow(0, 0, 1));
    const draw = (): void => {
      drawLatents(engine, {
        captions,
        negative: null,
        captionIds,
        classes: null,
        orders: seededOrders(seeds, 16),
        given: null,
        guidanceEvery,
        noise: new SeededNoise(seeds),
        stepCount,
        guidance,
        temperature: 1,
        sampling,
        selection,
      });
    };
    draw();
    const counted = countedProducts(() => scope(draw));
    const calls = drawingCalls(config, 5, {
      batch,
      steps: decodingSchedule(16, stepCount, guidance),
      stepCount,
      sampling,
      selection,
      guided: guidance.kind !== "none",
      guidanceEvery,
      textTokens: captionIds.argmax(1).amax().item() + 1,
    });
    engine.dispose();
    model.dispose();
    return { counted, planned: callFlops(calls) };
  });
}

describe("the arithmetic of a drawing, on paper, is what the engine is asked for", () => {
  const deep: DreamConfig = { ...tinyConfig, decoder: { ...tinyConfig.decoder, depth: 3 } };
  const single: DreamConfig = { ...tinyConfig, decoder: { ...tinyConfig.decoder, depth: 1 } };
  it.each<[string, Drawn]>([
    ["plainly", {}],
    ["without guidance", { guidance: { kind: "none" } }],
    ["with three decoder blocks", { config: deep }],
    ["with the branch without caption in every second step", { guidanceEvery: 2 }],
    ["with one decoder block", { config: single }],
    [
      "with fewer diffusion steps as it goes",
      { sampling: { method: "ddim", diffusionSteps: { first: 9, last: 2 } } },
    ],
  ])("%s", (_, drawn) => {
    const { counted, planned } = counts(drawn);
    expect(planned).toBe(counted);
  });

  it.each<[string, Selection]>([
    ["once", { kind: "once", candidates: 4, atStep: 3 }],
    [
      "halving",
      {
        kind: "halving",
        candidates: 4,
        rounds: [
          { atStep: 1, kept: 2 },
          { atStep: 3, kept: 1 },
        ],
        separation: null,
      },
    ],
    ["in each step", { kind: "each-step", candidates: 3, fromStep: 2 }],
  ])("choosing %s, but for the scores' own products", (_, selection) => {
    const { counted, planned } = counts({ selection });
    // Pooled rows into the joint space: what is left out is small, and never the other way round.
    expect(counted).toBeGreaterThanOrEqual(planned);
    expect(counted - planned).toBeLessThan(0.01 * counted);
  });
});

it("what multiplies little waits for its weights", () => {
  const read = (weights: number): number => weights / 100;
  const multiplies = { part: "encoder", times: 3, flops: 5000, weights: 10 } as const;
  const waits = { part: "head", times: 7, flops: 10, weights: 500 } as const;
  expect(callSeconds([multiplies], 1000, read)).toBe(3 * 5);
  expect(callSeconds([waits], 1000, read)).toBe(7 * 5);
  expect(callSeconds([multiplies, waits], 1000, read)).toBe(15 + 35);
});

it("the weights of all parts are those of the model's matrices", () => {
  scope(() => {
    const model = tinyModel();
    const calls = drawingCalls(tinyConfig, 5, {
      batch: 1,
      steps: decodingSchedule(16, 2, { kind: "none" }),
      stepCount: 2,
      sampling: ancestral,
      selection: { kind: "none" },
      guided: false,
      guidanceEvery: 1,
      textTokens: 8,
    });
    const inBlocks = (part: "encoder" | "decoder"): number =>
      [...model.parameters()]
        .filter(([name, { shape }]) => name.startsWith(`${part}.blocks.`) && shape.length === 2)
        .reduce(
          (
            sum,
            [
              ,
              {
                shape: [rows, columns],
              },
            ],
          ) => sum + rows! * columns!,
          0,
        );
    const read = (part: string): number => calls.find((one) => one.part === part)!.weights;
    expect(read("encoder")).toBe(inBlocks("encoder"));
    // Keys and values of the caption are made once for a drawing.
    expect(read("decoder")).toBe(
      inBlocks("decoder") - 2 * tinyConfig.decoder.depth * tinyConfig.decoder.width ** 2,
    );
    model.dispose();
  });
});
