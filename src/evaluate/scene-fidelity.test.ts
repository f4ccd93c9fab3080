import { describe, expect, it } from "vitest";
import { drawScene } from "../data/scenes/draw.js";
import { sceneRandom } from "../data/scenes/random.js";
import { readScene, type SceneReading } from "../data/scenes/reader/read-scene.js";
import { renderScene } from "../data/scenes/render.js";
import type { SceneTruth } from "../data/scenes/truth.js";
import type { SceneLevel } from "../data/scenes/vocabulary.js";
import { truthOf } from "../data/scenes/write.js";
import type { Picture } from "../formats/images.js";
import {
  claims,
  judgeReading,
  judgeScene,
  sceneAgreementMeasure,
  sceneFidelityMeasure,
  sceneFidelityOf,
  showsAll,
} from "./scene-fidelity.js";
import { splitOf } from "./splits.js";
import type { Subject } from "./subject.js";

function sceneOf(level: SceneLevel, number: number): { picture: Picture; truth: SceneTruth } {
  const drawn = drawScene(level, number % 2 === 0 ? "train" : "held-out", number, sceneRandom(41, number));
  const rendered = renderScene(drawn.scene, 64);
  return { picture: rendered.picture, truth: truthOf(drawn, rendered) };
}

/** Scenes with what the reader says of them: it takes a while, so each is read once. */
const readingsOf = (level: 2 | 3) =>
  Array.from({ length: 32 }, (_, i) => {
    const { picture, truth } = sceneOf(level, i);
    return { picture, truth, reading: readScene(picture, level) };
  });
const scenes = { 2: readingsOf(2), 3: readingsOf(3) };
/** Those in which the reader finds everything: what is said wrongly of them is found by itself. */
const readable = (level: 2 | 3) =>
  scenes[level].filter(({ reading, truth }) => showsAll(judgeReading(reading, truth)));

const opposite = { "left of": "right of", "right of": "left of", above: "below", below: "above" } as const;

/** What is judged wrong. */
const wrong = (reading: SceneReading, truth: SceneTruth): string[] =>
  Object.entries(judgeReading(reading, truth)).flatMap(([claim, right]) => (right ? [] : [claim]));

describe("a scene's fidelity", () => {
  // The reader itself gets more than 97 words of 100 right at level 2 and 95 at level 3.
  it.each([
    [2, 0.95],
    [3, 0.85],
  ] as const)("finds clean scenes of level %i right", (level, least) => {
    const verdicts = scenes[level].map(({ reading, truth }) => judgeReading(reading, truth));
    const { allRight, claims: shares, samples } = sceneFidelityOf(verdicts);
    expect(samples).toBe(32);
    expect(allRight).toBeGreaterThanOrEqual(least);
    expect(Object.keys(shares).sort()).toEqual([...claims[level]].sort());
    for (const [claim, share] of Object.entries(shares)) expect(share, claim).toBeGreaterThanOrEqual(least);
  });

  it.each([2, 3] as const)("finds one wrong word of level %i, and nothing else", (level) => {
    const others = { colour: "red", shape: "circle", size: "small", texture: "solid" } as const;
    const instead = { colour: "blue", shape: "square", size: "large", texture: "dotted" } as const;
    for (const { reading, truth } of readable(level)) {
      // Where an object is much like another one, a wrong word can be another's: those of one object, or unlike in three words.
      const [object, ...rest] = truth.objects;
      const keys = Object.keys(others) as (keyof typeof others)[];
      if (rest.some((one) => keys.filter((key) => one[key] === object![key]).length > 1)) continue;
      for (const key of keys) {
        const word = object![key] === others[key] ? instead[key] : others[key];
        const asked = { ...truth, objects: [{ ...object!, [key]: word }, ...rest] };
        expect(wrong(reading, asked), `${truth.caption}: ${word}`).toEqual([key]);
      }
      const background = truth.background === "plain" ? "striped" : "plain";
      expect(wrong(reading, { ...truth, background })).toEqual(["background"]);
    }
  });

  it("finds a relation that is the other way round, and one of the other axis", () => {
    for (const { reading, truth } of readable(2)) {
      const { relation } = truth;
      const [one, other] = truth.objects;
      if (
        ["colour", "shape", "size", "texture"].every(
          (key) => one![key as "colour"] === other![key as "colour"],
        )
      )
        continue;
      const turned = { ...truth, relation: { ...relation!, kind: opposite[relation!.kind] } };
      expect(wrong(reading, turned)).toEqual(["relation"]);
      const swapped = { ...relation!, first: relation!.second, second: relation!.first };
      expect(wrong(reading, { ...truth, relation: swapped })).toEqual(["relation"]);
      const across = relation!.kind === "above" || relation!.kind === "below" ? "left of" : "above";
      expect(wrong(reading, { ...truth, relation: { ...relation!, kind: across } })).toEqual(["relation"]);
    }
  });

  it("knows two objects of one kind apart by where they stand", () => {
    let judged = 0;
    for (let number = 0; judged < 3; number++) {
      const drawn = drawScene(2, "train", number, sceneRandom(43, number));
      const [first, second] = drawn.scene.objects;
      const { colour, shape, texture } = first!;
      const size = "large" as const;
      const alike = [first!, second!].map((one) => ({
        ...one,
        ...{ colour, shape, texture, size, rgb: first!.rgb, radius: 0.15 },
      }));
      const { picture } = renderScene({ ...drawn.scene, objects: alike }, 64);
      const rendered = renderScene(drawn.scene, 64);
      const truth = {
        ...truthOf(drawn, rendered),
        objects: alike.map((one) => ({ ...one, visibleShare: 1 })),
      };
      const reading = readScene(picture, 2);
      const { relation, ...rest } = judgeReading(reading, truth);
      if (!showsAll(rest)) continue;
      judged++;
      expect(relation).toBe(true);
      const turned = { first: truth.relation!.second, second: truth.relation!.first };
      const other = { ...truth, relation: { ...truth.relation!, ...turned } };
      expect(judgeReading(reading, other).relation).toBe(true);
    }
  });

  it("finds an object too few and one too many", () => {
    for (const { reading, truth } of readable(3)) {
      const [first, ...rest] = truth.objects;
      const more = judgeReading(reading, { ...truth, objects: [...truth.objects, first!] });
      expect([more.count, showsAll(more)]).toEqual([false, false]);
      if (rest.length === 0) continue;
      expect(wrong(reading, { ...truth, objects: rest })).toEqual(["count"]);
    }
  });

  it("has everything wrong where nothing can be read", () => {
    const blank = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(230) };
    for (const level of [2, 3] as const)
      expect(wrong(readScene(blank, level), scenes[level][0]!.truth).sort()).toEqual(
        [...claims[level]].sort(),
      );
  });

  it("is refused for a label that level 1 does not have", () => {
    const { picture, truth } = sceneOf(1, 0);
    expect(() => judgeScene(picture, { ...truth, label: 540 })).toThrow(/0 to 539, got 540/);
  });
});

describe("the measure of scenes' fidelity", () => {
  const samples = scenes[2].slice(0, 8).map(({ picture, truth }, i) => ({
    key: `scene ${i}`,
    captions: [truth.caption] as [string],
    caption: truth.caption,
    label: truth.label,
    truth: truth as unknown,
    picture,
  }));
  const subject = (pictures: readonly Picture[], given = samples) =>
    ({
      data: { test: splitOf("test", given), scenes: 2 },
      drawings: async () => ({
        drawn: pictures.map((picture, number) => ({ number, picture })),
        seconds: 1,
      }),
    }) as unknown as Subject;

  it("has one outcome for each drawing, of which its value is the mean", async () => {
    const right = samples.map(({ picture, truth }) =>
      Number(showsAll(judgeScene(picture, truth as SceneTruth))),
    );
    const pictures = samples.map(({ picture }) => picture);
    const changed = [pictures[1]!, pictures[0]!, ...pictures.slice(2, 6)];
    const { value, outcomes, samples: count, interval } = await sceneFidelityMeasure.run(subject(changed));
    expect(outcomes).toEqual([0, 0, ...right.slice(2, 6)]);
    expect(count).toBe(6);
    expect(value).toBeCloseTo(outcomes!.reduce((a, b) => a + b, 0) / 6, 12);
    expect(interval!.low).toBeLessThan(value);
  });

  it("has a graded sister: the share of what was asked for, with what another's drawing would show of it", async () => {
    const pictures = samples.map(({ picture }) => picture);
    const blank = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(230) };
    const { value, outcomes, details } = await sceneAgreementMeasure.run(
      subject([...pictures.slice(0, 5), blank]),
    );
    expect(outcomes!.slice(0, 5).every((one) => one > 0.8)).toBe(true);
    expect(outcomes![5]).toBe(0);
    expect(value).toBeCloseTo(outcomes!.reduce((a, b) => a + b, 0) / 6, 12);
    expect(details.chance).toBeLessThan(0.5);
    const swapped = await sceneAgreementMeasure.run(subject([pictures[1]!, pictures[0]!]));
    const straight = await sceneAgreementMeasure.run(subject([pictures[0]!, pictures[1]!]));
    expect(swapped.value).toBeCloseTo(straight.details.chance as number, 12);
  });

  it("needs scenes, whose truth can be read", async () => {
    expect(sceneFidelityMeasure.lacks(subject([]))).toBeNull();
    const other = { ...subject([]), drawings: null };
    expect(sceneFidelityMeasure.lacks(other)).toBe("a model that draws");
    const { data } = subject([]);
    const pictures = { ...subject([]), data: { ...data, scenes: null } };
    expect(sceneFidelityMeasure.lacks(pictures)).toBe("scenes, whose truth is known");
    const untold = samples.map((sample) => ({ ...sample, truth: null }));
    await expect(sceneFidelityMeasure.run(subject([samples[0]!.picture], untold))).rejects.toThrow(
      /^read scene 0: /,
    );
    const many = [...samples, ...samples].map(({ picture }) => picture);
    await expect(sceneFidelityMeasure.run(subject(many))).rejects.toThrow(
      /8 samples of test, got numbers 0 to 15/,
    );
  });
});
