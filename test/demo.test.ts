/** @file The demo by its short road, in a real process: what it leaves behind is whole, true to its pictures, and usable. */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { combinations } from "../src/data/scenes/one-object.js";
import type { DemoSummary } from "../src/demo/demo.js";
import { attributes, fidelityOf, judge } from "../src/evaluate/fidelity.js";
import { decodePicture } from "../src/formats/images.js";
import { dream, type Finished, linesOf } from "./process.js";

const run = join(mkdtempSync(join(tmpdir(), "dream-demo-")), "run");
let finished: Finished;
let summary: DemoSummary;

beforeAll(async () => {
  finished = await dream(["demo", "--quick", "--out", run, "--json"]);
  summary = JSON.parse(readFileSync(join(run, "summary.json"), "utf8")) as DemoSummary;
}, 600_000);

describe("dream demo --quick", () => {
  it("tells how far it is, ends with 0, and prints its summary", () => {
    expect(finished.code, finished.err).toBe(0);
    expect(JSON.parse(finished.out)).toEqual(summary);
    for (const words of [
      /Rendering scenes/,
      /Training \d+\/\d+ .*generative/,
      /Drawing and judging/,
      /report\.html/,
    ])
      expect(finished.err).toMatch(words);
  });

  it("counts in its summary what its journal and its pictures say", async () => {
    const steps = linesOf<{ seconds: number }>(readFileSync(join(run, "metrics.jsonl"), "utf8"));
    expect(steps).toHaveLength(summary.steps);
    expect(summary.trainSeconds).toBeCloseTo(
      steps.reduce((sum, { seconds }) => sum + seconds, 0),
      3,
    );
    const { heldOut } = summary;
    const samples = join(run, "samples");
    const captions = linesOf<{ file: string; caption: string; truth: (typeof combinations)[number] }>(
      readFileSync(join(samples, "captions.jsonl"), "utf8"),
    );
    expect(captions).toHaveLength(heldOut.samples);
    for (const [folder, counted] of [
      [samples, heldOut.sad],
      [join(samples, "plain"), heldOut.plain],
    ] as const) {
      const verdicts = await Promise.all(
        captions.map(async ({ file, truth }) =>
          judge(await decodePicture(readFileSync(join(folder, file)), file), truth),
        ),
      );
      const { allCorrect, attributes: by } = fidelityOf(verdicts);
      expect({ allCorrect, attributes: by }).toEqual(counted);
    }
    for (const { caption, truth } of captions)
      for (const word of [truth.colour, truth.shape]) expect(caption).toContain(word);
  });

  it("gives every rate as a plain share", () => {
    const { heldOut, zeroShot, sadTable } = summary;
    const rates = [
      heldOut.readerError,
      ...[heldOut.plain, heldOut.sad].flatMap((one) => [
        one.allCorrect,
        ...attributes.map((attribute) => one.attributes[attribute]),
      ]),
      ...zeroShot.map(({ accuracy }) => accuracy),
      ...sadTable.map(({ allCorrect }) => allCorrect),
    ];
    for (const rate of rates) {
      expect(rate).toBeGreaterThanOrEqual(0);
      expect(rate).toBeLessThanOrEqual(1);
    }
    expect(zeroShot.map(({ masked }) => masked)).toEqual([0, 0.25, 0.5, 0.75, 0.875]);
    expect(heldOut.readerError).toBeLessThanOrEqual(0.01);
    expect(sadTable).toHaveLength(12);
  });

  it("learned something in its minute", () => {
    expect(summary.zeroShot[0]!.accuracy).toBeGreaterThan(3 / combinations.length);
  });

  it("leaves one page that needs nothing else", () => {
    const html = readFileSync(join(run, "report.html"), "utf8");
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script|<link|src="(?!data:)|@import|url\((?!#)/);
    expect(html).toMatch(/prefers-color-scheme: dark/);
    expect(html).toMatch(/@media print/);
    for (const part of [
      "Masking Warmup",
      "Drawn from sentences that it never saw",
      "while it learned",
      "finish the best",
      "SAD minus plain",
      "share of tokens hidden",
    ])
      expect(html).toContain(part);
    expect((html.match(/<img /g) ?? []).length).toBeGreaterThan(60);
    const rounded = (share: number): string => `${(100 * share).toFixed(1)}%`;
    expect(html).toContain(rounded(summary.heldOut.sad.allCorrect));
    expect(html).toContain(rounded(summary.zeroShot[0]!.accuracy));
    for (const grid of ["drawings.png", "choices.png"]) expect(existsSync(join(run, grid))).toBe(true);
  });

  it("keeps pictures of six moments", () => {
    const moments = readdirSync(join(run, "moments"));
    expect(moments.length).toBe(6);
    for (const moment of moments) expect(readdirSync(join(run, "moments", moment))).toHaveLength(6);
  });

  it("is a model to draw with and to start from", async () => {
    const out = mkdtempSync(join(tmpdir(), "dream-demo-"));
    const drawn = await dream([
      "generate",
      "--model",
      run,
      "--prompt",
      "a red circle",
      "--output-dir",
      out,
      "--json",
    ]);
    expect(drawn.code).toBe(0);
    const [line] = linesOf<{ file: string }>(drawn.out);
    expect(existsSync(line!.file)).toBe(true);
  });

  it("stops at Ctrl-C while it draws", async () => {
    const { code, err } = await dream(["demo", "--quick", "--out", run], /Drawing and judging/);
    expect(code).toBe(130);
    expect(err).toMatch(/Stopped\. To go on: dream demo --quick --out/);
  }, 300_000);

  it("looks back again, without training, when it is run once more", async () => {
    const again = await dream(["demo", "--quick", "--out", run, "--json"]);
    expect(again.code).toBe(0);
    expect(again.err).toMatch(/Trained already/);
    const { heldOut, zeroShot } = JSON.parse(again.out) as DemoSummary;
    expect({ heldOut, zeroShot }).toEqual({ heldOut: summary.heldOut, zeroShot: summary.zeroShot });
  }, 300_000);
});
