import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type DrawingSettings, settled } from "./drawing-settings.js";
import { encodePng } from "./formats/images.js";
import { textsIn } from "./formats/png-texts.js";
import { encodeRecorded, recordIn, settingsOf } from "./picture-record.js";
import type { Recipe } from "./recipe/recipe.js";

const picture = { width: 4, height: 4, data: new Uint8Array(48).map((_, i) => 5 * i) };

const model: Recipe["drawing"] = {
  steps: 16,
  guidance: { kind: "linear", scale: 3 },
  temperature: 0.9,
  candidates: 5,
  selectAt: 0.125,
};

const usual: DrawingSettings = { candidates: 3, steps: 8, negative: "a square" };
const from = (settings: DrawingSettings, prompt = "a red circle") => ({
  prompt,
  seed: 7,
  drawing: settled(settings, model),
});
const drawing = { picture, candidateScores: [0.1, 0.25, 0.2], chosen: 1 };

describe("a picture's record", () => {
  it("comes out of its PNG as it went in, whatever the sentence is", async () => {
    const sentences = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(sentences, async (prompt) => {
        const png = await encodeRecorded(drawing, from(usual, prompt));
        expect(recordIn(png)).toMatchObject({
          prompt,
          seed: 7,
          candidateScores: [0.1, 0.25, 0.2],
          chosen: 1,
        });
      }),
      { numRuns: 30 },
    );
  });

  it("is readable to other programs, and changes no pixel", async () => {
    const png = await encodeRecorded(drawing, from(usual));
    const { comments } = await sharp(png).metadata();
    expect(comments?.find(({ keyword }) => keyword === "Description")?.text).toBe("a red circle");
    expect(await sharp(png).raw().toBuffer()).toEqual(Buffer.from(picture.data));
  });

  it("says the settings that draw the same again", () => {
    const asked: DrawingSettings[] = [
      {},
      { candidates: 1 },
      { preset: "fast", selectAt: 0.5 },
      { selection: "halving", separation: 0.1 },
      { selection: "each-step", selectAt: 0.25, candidates: 2 },
      { sampler: "ddim", diffusionSteps: { first: 9, last: 3 } },
      { guidanceScale: 1 },
      { negative: "a square", guidanceEvery: 3 },
    ];
    return Promise.all(
      asked.map(async (settings) => {
        const record = recordIn(await encodeRecorded(drawing, from(settings)))!;
        expect(settled(settingsOf(record), model)).toEqual(settled(settings, model));
      }),
    );
  });

  it("is none in pictures that have none, are cut short, or lie", async () => {
    expect(recordIn(await encodePng(picture))).toBeNull();
    expect(recordIn(await encodePng(picture, { dream: "{}" }))).toBeNull();
    expect(recordIn(await encodePng(picture, { dream: "no JSON" }))).toBeNull();
    expect(recordIn(Buffer.from("no picture"))).toBeNull();
    const png = await encodeRecorded(drawing, from(usual));
    const whole = textsIn(png);
    for (let bytes = 0; bytes < png.length; bytes++)
      for (const [keyword, text] of Object.entries(textsIn(png.subarray(0, bytes))))
        expect(whole[keyword]).toBe(text);
    await fc.assert(
      fc.asyncProperty(fc.nat(png.length - 1), fc.nat(255), async (at, value) => {
        const damaged = Uint8Array.from(png);
        damaged[at] = value;
        recordIn(damaged);
      }),
    );
  });
});
