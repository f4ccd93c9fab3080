import { beforeAll, describe, expect, it } from "vitest";
import { loudRun } from "../test/loud-run.js";
import { DrawingPipeline } from "./drawing.js";
import { loadModel } from "./recipe/model-folder.js";

let pipeline: DrawingPipeline;

beforeAll(async () => {
  pipeline = new DrawingPipeline(await loadModel(await loudRun()));
});

const captions = ["a large red circle in the centre on a plain background", "a small blue square over dots"];
const plain = { choice: { kind: "plain" }, seeds: [1, 2] } as const;
const silent = {
  ...plain,
  sampling: { steps: 8, guidance: { kind: "constant", scale: 0 }, temperature: 1 },
} as const;

describe("drawing pictures", () => {
  it("gives a picture of the trained size for each caption, the same for the same seeds", () => {
    const pictures = pipeline.draw(captions, plain);
    expect(pictures.map(({ picture: { width, height } }) => [width, height])).toEqual([
      [32, 32],
      [32, 32],
    ]);
    expect(pipeline.draw(captions, plain)).toEqual(pictures);
  });

  it("reads the caption, but at guidance 0 only the empty one", () => {
    const [own, other] = [captions, [...captions].reverse()];
    expect(pipeline.draw(own, plain)).not.toEqual(pipeline.draw(other, plain));
    expect(pipeline.draw(own, silent)).toEqual(pipeline.draw(other, silent));
  });

  it("draws with a choice, and refuses a share of the tokens that is none", () => {
    const aligned = (atFraction: number) =>
      ({ choice: { kind: "aligned", candidates: 2, atFraction }, seeds: [1, 2] }) as const;
    const drawn = pipeline.draw(captions, aligned(0.125));
    for (const { candidateScores, chosen } of drawn)
      expect(candidateScores[chosen]).toBe(Math.max(...candidateScores));
    for (const share of [0, 1.5])
      expect(() => pipeline.draw(captions, aligned(share))).toThrow(/share of the tokens/);
    expect(() => pipeline.draw(captions, aligned(1))).toThrow(/a share of the tokens below 1/);
  });

  it("refuses a caption that is longer than the model reads", () => {
    expect(() => pipeline.draw(["red ".repeat(50), "a"], plain)).toThrow(/at most 18 words/);
  });

  it("draws any number in batches, the same pictures as alone, and tells them as they come", async () => {
    const wanted = [0, 1, 2, 3, 4].map((i) => ({ caption: captions[i % 2]!, seed: i }));
    const choice = { kind: "aligned", candidates: 2, atFraction: 0.25 } as const;
    const batches: number[] = [];
    const drawn = [];
    const onStep = ({ index }: { index: number }, count: number): void => {
      if (index === 0) batches.push(count);
    };
    for await (const one of pipeline.drawAll(wanted, { choice, onStep }, 4)) {
      drawn.push(one);
      if (drawn.length === 1) expect(batches).toEqual([2]);
    }
    expect(batches).toEqual([2, 2, 1]);
    expect(drawn.map(({ caption, seed }) => ({ caption, seed }))).toEqual(wanted);
    for (const { caption, seed, picture, chosen } of drawn) {
      const [alone] = pipeline.draw([caption], { choice, seeds: [seed] });
      expect(chosen).toBe(alone!.chosen);
      const apart = picture.data.map((value, i) => Math.abs(value - alone!.picture.data[i]!));
      expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    }
  });

  it("finishes every candidate as choosing would have", () => {
    const [candidates, fractions, seeds] = [3, [0.125, 0.5], [1, 2]];
    const all = pipeline.candidates(captions, { seeds, candidates, fractions });
    for (const [f, atFraction] of fractions.entries()) {
      const chosen = pipeline.draw(captions, {
        choice: { kind: "aligned", candidates, atFraction },
        seeds,
      });
      for (const [b, { picture, candidateScores, chosen: best }] of chosen.entries()) {
        for (const [k, score] of all[b]!.scores[f]!.entries())
          expect(score).toBeCloseTo(candidateScores[k]!, 4);
        const same = all[b]!.pictures[best]!;
        const apart = picture.data.map((value, i) => Math.abs(value - same.data[i]!));
        expect(Math.max(...apart)).toBeLessThanOrEqual(1);
      }
    }
    const plainly = pipeline.draw(captions, plain);
    for (const [b, { picture }] of plainly.entries()) {
      const apart = picture.data.map((value, i) => Math.abs(value - all[b]!.pictures[0]!.data[i]!));
      expect(Math.max(...apart)).toBeLessThanOrEqual(1);
    }
  });
});
