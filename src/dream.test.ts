import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { loudRun } from "../test/loud-run.js";
import { DrawingPipeline } from "./drawing.js";
import { Dream, type GenerateOptions } from "./dream.js";
import { embedCaptions, embedPictures } from "./embedding.js";
import type { DrawingProgress } from "./engine/protocol.js";
import { DreamError } from "./errors.js";
import { encodePng, type Picture } from "./formats/images.js";
import { loadModel, type TrainedModel } from "./recipe/model-folder.js";

let run: string;
let trained: TrainedModel;
let dream: Dream;

beforeAll(async () => {
  run = await loudRun();
  trained = await loadModel(run);
  dream = await Dream.load(run, { device: "cpu" });
});

afterAll(() => dream.dispose());

const prompt = "a large red circle in the centre on a plain background";

async function events(options: GenerateOptions): Promise<DrawingProgress[]> {
  const all: DrawingProgress[] = [];
  for await (const event of dream.generate(options)) all.push(event);
  return all;
}

async function picture(options: GenerateOptions): Promise<Picture> {
  const last = (await events(options)).at(-1);
  if (last?.type !== "picture") throw new Error(`ended with ${last?.type}`);
  return last.picture;
}

/** How far bytes are apart, at most. */
function apart(one: Picture, other: Picture): number {
  expect(one.data.length).toBe(other.data.length);
  return one.data.reduce((most, value, i) => Math.max(most, Math.abs(value - other.data[i]!)), 0);
}

async function refusal(work: Promise<unknown>): Promise<DreamError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DreamError);
  return error as DreamError;
}

describe("drawing", () => {
  it("draws what the pipeline draws", async () => {
    const pipeline = new DrawingPipeline(trained);
    const [drawn] = pipeline.draw([prompt], {
      choice: { kind: "aligned", candidates: 3, atFraction: 0.125 },
      seeds: [7],
    });
    const last = (await events({ prompt, candidates: 3, seed: 7 })).at(-1)!;
    expect(last).toMatchObject({ type: "picture", index: 0, seed: 7, chosen: drawn!.chosen });
    if (last.type === "picture") expect(apart(last.picture, drawn!.picture)).toBeLessThanOrEqual(1);
    pipeline.dispose();
  });

  it("tells of its steps, its choice and its pictures, and shows as many drafts as were asked for", async () => {
    const all = await events({ prompt, candidates: 3, steps: 6, seed: 1, count: 2, previews: 2 });
    const types = all.map(({ type }) => type);
    expect(types.filter((type) => type === "step")).toHaveLength(6);
    expect(types.filter((type) => type === "choice")).toHaveLength(1);
    expect(types.slice(-2)).toEqual(["picture", "picture"]);
    const shown = all.flatMap((event) => (event.type === "step" && event.previews !== null ? [event] : []));
    expect(shown).toHaveLength(2);
    for (const { previews } of shown) expect(previews).toHaveLength(2);
    const [choice] = all.flatMap((event) => (event.type === "choice" ? [event] : []));
    for (const candidates of choice!.candidates) {
      expect(candidates.map(({ candidate }) => candidate)).toEqual([0, 1, 2]);
      const best = candidates.filter(({ kept }) => kept);
      expect(best.map(({ score }) => score)).toEqual([Math.max(...candidates.map(({ score }) => score))]);
    }
  });

  it("draws the same picture from the same seed, alone or in a crowd", async () => {
    const alone = await picture({ prompt, seed: 3 });
    const crowd = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        picture({ prompt, seed: i % 2 === 0 ? 3 : i, steps: 4 + (i % 3) }),
      ),
    );
    const again = await picture({ prompt, seed: 3 });
    expect(apart(alone, again)).toBe(0);
    const usual = await picture({ prompt, seed: 3, steps: 4 });
    expect(apart(crowd[0]!, usual)).toBeLessThanOrEqual(1);
    expect(apart(crowd[6]!, usual)).toBeLessThanOrEqual(1);
    expect(apart(crowd[1]!, usual)).toBeGreaterThan(10);
  });

  it("computes many at once in fewer steps than one after another", async () => {
    const before = await dream.statistics();
    await Promise.all(
      Array.from({ length: 10 }, (_, seed) => picture({ prompt, seed, candidates: 1, steps: 8 })),
    );
    const { steps, canvasSteps, drawn } = await dream.statistics();
    expect(canvasSteps - before.canvasSteps).toBe(80);
    expect(steps - before.steps).toBeLessThan(40);
    expect(drawn - before.drawn).toBe(10);
  });

  it("leaves the program's own thread free", async () => {
    let [longest, last] = [0, performance.now()];
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 1);
    await Promise.all(
      Array.from({ length: 8 }, (_, seed) => events({ prompt, seed, previews: 3, steps: 16 })),
    );
    clearInterval(timer);
    expect(longest).toBeLessThan(50);
  });

  it("ends where its signal or its reader ends it, and frees what it held", async () => {
    await events({ prompt, seed: 1, candidates: 5, steps: 32 });
    const { liveTensors: before, cancelled } = await dream.statistics();
    const stop = new AbortController();
    const stopped = (async () => {
      for await (const _ of dream.generate({ prompt, candidates: 5, steps: 32, signal: stop.signal }))
        stop.abort();
    })();
    await expect(stopped).rejects.toThrow(/aborted/);
    for await (const _ of dream.generate({ prompt, candidates: 5, steps: 32 })) break;
    const after = await dream.statistics();
    expect(after).toMatchObject({ cancelled: cancelled + 2, underWay: 0, waiting: 0 });
    expect(after.liveTensors).toBe(before);
    await expect(dream.embedText(["a"], { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
  });

  it("refuses what cannot be drawn, in a sentence", async () => {
    const said = async (options: GenerateOptions): Promise<string> =>
      (await refusal(events(options))).message;
    expect(await said({ prompt, steps: 1 })).toMatch(/read steps/);
    expect(await said({ prompt, candidates: 0 })).toMatch(/read candidates/);
    expect(await said({ prompt, candidates: 1, selectAt: 0.5 })).toMatch(
      /selectAt.*beside candidates 2 or more/s,
    );
    expect(await said({ prompt, seed: -1 })).toMatch(/read seed.*from 0/s);
    expect(await said({ prompt, count: 1000 })).toMatch(/read count/);
    expect(await said({})).toMatch(/a prompt alone/);
    expect(await said({ prompt, label: 3 })).toMatch(/a prompt alone/);
    expect(await said({ prompt: "circle ".repeat(100) })).toMatch(/at most \d+ words/);
    // Others go on.
    expect((await events({ prompt, seed: 1 })).at(-1)!.type).toBe("picture");
  });
});

describe("edits", () => {
  it("draws the marked part anew and keeps the rest, by a box or a mask, from bytes or a path", async () => {
    const original = await picture({ prompt, seed: 5 });
    const folder = mkdtempSync(join(tmpdir(), "dream-facade-"));
    const path = join(folder, "picture.png");
    writeFileSync(path, await encodePng(original));
    const data = new Uint8Array(original.data.length);
    for (let row = 0; row < 16; row++) data.fill(255, 3 * row * 32, 3 * (row * 32 + 32));
    const mask = await encodePng({ width: 32, height: 32, data });
    const box = { x: 0, y: 0, width: 32, height: 16 };
    const edited: Picture[] = [];
    for (const how of [{ box }, { mask }])
      for await (const event of dream.edit({ image: path, prompt, seed: 9, keep: "pixels", ...how }))
        if (event.type === "picture") edited.push(event.picture);
    const [byBox, byMask] = edited as [Picture, Picture];
    expect(apart(byBox, byMask)).toBe(0);
    const half = original.data.length / 2;
    expect(byBox.data.subarray(half)).toEqual(original.data.subarray(half));
    expect(byBox.data.subarray(0, half)).not.toEqual(original.data.subarray(0, half));
    const missing = async (): Promise<void> => {
      for await (const _ of dream.edit({ image: join(folder, "none.png"), box, prompt })) break;
    };
    expect((await refusal(missing())).message).toMatch(/none\.png/);
  });
});

describe("embeddings", () => {
  it("are the model's own, of sentences and pictures", async () => {
    const drawn = await picture({ prompt, seed: 5 });
    const [text] = await dream.embedText([prompt]);
    const [image] = await dream.embedImage([drawn]);
    const [expectedText] = embedCaptions(trained, [prompt]);
    const [expectedImage] = embedPictures(trained, [drawn]);
    for (const [i, value] of expectedText!.entries()) expect(text![i]).toBeCloseTo(value, 5);
    for (const [i, value] of expectedImage!.entries()) expect(image![i]).toBeCloseTo(value, 5);
    const [score] = await dream.score(drawn, [prompt]);
    expect(score).toBeCloseTo(
      expectedText!.reduce((sum, value, i) => sum + value * expectedImage![i]!, 0),
      5,
    );
  });

  it("name pictures: the nearest sentence comes first, and shares add up to 1", async () => {
    const drawn = await picture({ prompt, seed: 5 });
    const labels = ["a red circle", "a blue square", "a green triangle"];
    const scores = await dream.score(drawn, labels);
    const named = await dream.classify(drawn, labels);
    expect(named[0]!.label).toBe(labels[scores.indexOf(Math.max(...scores))]);
    expect(named.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
  });

  it("refuses bytes that are no picture", async () => {
    expect((await refusal(dream.embedImage([new Uint8Array([1, 2, 3])]))).code).toBe("format");
  });
});

describe("models of one program", () => {
  it("are several, each with its own end", async () => {
    const other = await Dream.load(run, { device: "cpu" });
    const drawn: Picture[] = [];
    for await (const event of other.generate({ prompt, seed: 5 }))
      if (event.type === "picture") drawn.push(event.picture);
    expect(apart(drawn[0]!, await picture({ prompt, seed: 5 }))).toBe(0);
    const { liveTensors } = await dream.statistics();
    await other.dispose();
    await other.dispose();
    expect((await dream.statistics()).liveTensors).toBeLessThan(liveTensors);
    expect((await refusal(other.embedText(["a"]))).message).toMatch(/disposed/);
    expect((await events({ prompt, seed: 5 })).at(-1)!.type).toBe("picture");
  });

  it("tell drawings under way where they are disposed", async () => {
    const other = await Dream.load(run, { device: "cpu" });
    const drawn = (async () => {
      for await (const _ of other.generate({ prompt, candidates: 5, steps: 64 })) void other.dispose();
    })();
    expect((await refusal(drawn)).message).toMatch(/disposed/);
  });

  it("are not kept where their loading is called off", async () => {
    const before = await dream.statistics();
    const stop = new AbortController();
    const loading = Dream.load(run, { device: "cpu", signal: stop.signal });
    stop.abort();
    await expect(loading).rejects.toThrow(/aborted/);
    await expect.poll(async () => (await dream.statistics()).liveTensors).toBe(before.liveTensors);
  });

  it("are told of by name where they are not there", async () => {
    expect((await refusal(Dream.load(join(run, "nowhere")))).message).toMatch(/nowhere.*no such folder/s);
    expect((await refusal(Dream.load(tmpdir()))).message).toMatch(/config\.json/);
  });
});

it("has types that lead", () => {
  expectTypeOf(dream.embedText).returns.resolves.toEqualTypeOf<Float32Array[]>();
  expectTypeOf<GenerateOptions["preset"]>().toEqualTypeOf<"exact" | "balanced" | "fast" | undefined>();
  expectTypeOf<Extract<DrawingProgress, { type: "picture" }>["picture"]>().toEqualTypeOf<Picture>();
});
