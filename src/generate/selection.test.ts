import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keptTrajectories, type Trajectory } from "./selection.js";

const of = (images: number, candidates: number): Trajectory[] =>
  Array.from({ length: candidates }, (_, candidate) =>
    Array.from({ length: images }, (_, image) => ({ image, candidate })),
  ).flat();

describe("which trajectories go on", () => {
  it("are the best of each image, the first of equals", () => {
    expect(keptTrajectories(of(2, 3), [1, 9, 3, 9, 2, 1], 1, null)).toEqual([2, 1]);
    expect(keptTrajectories(of(2, 3), [1, 9, 3, 9, 2, 1], 2, null)).toEqual([2, 4, 1, 3]);
  });

  it("are one where the best is ahead by the separation", () => {
    expect(keptTrajectories(of(2, 3), [0.1, 0.5, 0.4, 0.45, 0.2, 0], 2, 0.1)).toEqual([2, 1, 3]);
  });

  it("are never worse than what is dropped, whatever the scores", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.float({ noNaN: true, min: -1, max: 1 }), { minLength: 20, maxLength: 20 }),
        (images, candidates, count, all) => {
          const trajectories = of(images, candidates);
          const scores = all.slice(0, trajectories.length);
          const kept = keptTrajectories(trajectories, scores, count, null);
          for (let image = 0; image < images; image++) {
            const mine = [...trajectories.keys()].filter((place) => trajectories[place]!.image === image);
            const on = mine.filter((place) => kept.includes(place));
            expect(on.length).toBe(Math.min(count, candidates));
            const dropped = mine.filter((place) => !kept.includes(place));
            for (const place of dropped)
              expect(scores[place]!).toBeLessThanOrEqual(Math.min(...on.map((one) => scores[one]!)));
          }
        },
      ),
    );
  });
});
