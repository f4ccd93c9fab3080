import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tinyConfig, tinyGroup, tinyModel } from "../../test/tiny.js";
import { patchify } from "../models/dream/tokens.js";
import { liveTensorCount, scope } from "../tensor/index.js";
import type { Decoding } from "./decoding.js";
import { DrawingEngine } from "./engine.js";
import { advance, beginDecoding, drawLatents } from "./generate.js";
import { SeededNoise, seededOrders } from "./noise.js";
import type { DrawingRequest } from "./request.js";
import { ancestral } from "./schedule.js";
import type { Selection } from "./selection.js";

const model = tinyModel({ ...tinyConfig, diffusion: { kind: "velocity", steps: 4 } });
const { captions, captionIds, latents, mask } = tinyGroup(3, 5, 20);
const engine = new DrawingEngine(model, captions.narrow(0, 0, 1).mul(0));

interface Wanted {
  readonly seed: number;
  /** How many steps others take before this one begins. */
  readonly late: number;
  readonly caption: number;
  readonly stepCount: number;
  readonly scale: number;
  readonly guidanceEvery: number;
  readonly selection: Selection;
  readonly edited: boolean;
}

const wanted: fc.Arbitrary<Wanted> = fc.record({
  seed: fc.nat(1000),
  late: fc.nat(6),
  caption: fc.nat(2),
  stepCount: fc.constantFrom(4, 6),
  scale: fc.constantFrom(1, 3, 5),
  guidanceEvery: fc.constantFrom(1, 2),
  selection: fc.constantFrom<Selection>(
    { kind: "none" },
    { kind: "once", candidates: 3, atStep: 2 },
    { kind: "each-step", candidates: 2, fromStep: 1 },
    {
      kind: "halving",
      candidates: 4,
      rounds: [
        { atStep: 1, kept: 2 },
        { atStep: 3, kept: 1 },
      ],
      separation: null,
    },
  ),
  edited: fc.boolean(),
});

function requestOf({
  seed,
  caption,
  stepCount,
  scale,
  guidanceEvery,
  selection,
  edited,
}: Wanted): DrawingRequest {
  return {
    captions: captions.narrow(0, caption, 1),
    captionIds: captionIds.narrow(0, caption, 1),
    negative: null,
    classes: null,
    orders: seededOrders([seed], 16),
    given: edited ? { tokens: patchify(latents, 2).narrow(0, 0, 1), hidden: mask.pick([0]) } : null,
    noise: new SeededNoise([seed]),
    stepCount,
    guidance: { kind: "linear", scale },
    guidanceEvery: scale === 1 ? 1 : guidanceEvery,
    temperature: 1,
    sampling: ancestral,
    selection,
  };
}

/** As a server does it: each begins when its time has come, and all that are under way step together. */
function drawTogether(all: readonly Wanted[]): number[][] {
  const decodings: (Decoding | null)[] = all.map(() => null);
  const finished: number[][] = [];
  for (let tick = 0; finished.filter((one) => one !== undefined).length < all.length; tick++) {
    for (const [i, one] of all.entries())
      if (one.late === tick) decodings[i] = scope(() => beginDecoding(engine, requestOf(one), () => {}));
    const underWay = decodings.filter((one) => one !== null);
    advance(engine, underWay);
    for (const [i, decoding] of decodings.entries())
      if (decoding?.finished) {
        finished[i] = scope(() => decoding.latents().toNumbers());
        decoding.dispose();
        decodings[i] = null;
      }
  }
  return finished;
}

describe("decodings that step together", () => {
  it("give what each gives alone, whatever they are and whenever they begin", () => {
    fc.assert(
      fc.property(fc.array(wanted, { minLength: 1, maxLength: 5 }), (all) => {
        const before = liveTensorCount();
        const together = drawTogether(all);
        const samplers = liveTensorCount() - before;
        for (const [i, one] of all.entries()) {
          const alone = scope(() => drawLatents(engine, requestOf(one)).toNumbers());
          for (const [at, value] of alone.entries())
            expect(Math.abs(together[i]![at]! - value)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
        }
        expect(liveTensorCount() - before).toBe(samplers);
        drawTogether(all);
        expect(liveTensorCount() - before).toBe(samplers);
      }),
      { numRuns: 40 },
    );
  });
});
