import { describe, expect, it } from "vitest";
import { eye, scope, tensor } from "../tensor/index.js";
import { usualTemplates } from "./class-sentences.js";
import { captionRounds, chanceOf, namedRight, namingRule } from "./naming.js";
import { splitOf } from "./splits.js";
import type { EvaluationData } from "./subject.js";

const data: EvaluationData = {
  train: null,
  test: splitOf("test", []),
  classes: ["a", "b"],
  scenes: null,
  dense: null,
};

describe("naming", () => {
  it("is by classes where their names say it all, and by captions elsewhere", () => {
    expect(namingRule(data)).toEqual({ kind: "classes", names: ["a", "b"], templates: usualTemplates });
    expect(namingRule({ ...data, templates: ["my {}"] })).toMatchObject({ templates: ["my {}"] });
    expect(namingRule({ ...data, scenes: 1 })).toMatchObject({ kind: "classes", templates: ["{}"] });
    for (const other of [{ scenes: 2, dense: null }, { scenes: 3 }, { classes: null }] as const)
      expect(namingRule({ ...data, ...other })).toEqual({ kind: "captions", groupSize: 100 });
  });

  it("takes captions in full groups, and any with the very caption for right", () => {
    scope(() => {
      const captions = ["one", "two", "two", "three", "four", "one", "five"];
      const rounds = captionRounds({ texts: eye(7), captions }, 3);
      expect(rounds.map(({ first, answers }) => [first, answers])).toEqual([
        [0, ["one", "two", "two"]],
        [3, ["three", "four", "one"]],
      ]);
      // Pictures 0 and 1 are nearest text 2 (as picture 1 reads itself), 3 and 4 nearest text 4, 5 nearest text 0 of another group.
      const images = eye(7).indexSelect(0, tensor([2, 2, 2, 4, 4, 0, 6], [7], { dtype: "int64" }));
      expect(namedRight(images, rounds)).toEqual([0, 1, 1, 0, 1, 0]);
      expect(chanceOf(rounds)).toBeCloseTo((1 + 2 + 2 + 1 + 1 + 1) / 18, 12);
      expect(() => namedRight(images.add(Number.NaN), rounds)).toThrow(/finite/);
    });
  });
});
