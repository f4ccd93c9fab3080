/**
 * @file What presets and choices buy: the demo's model draws the same held-out sentences from the same seeds in each way, and the scene
 * reader counts. Differences are of pairs; times are of whole pictures, decoded.
 */
import { join } from "node:path";
import { judgedPrompts } from "../src/demo/prompts.js";
import { DrawingPipeline, type Sampling } from "../src/drawing.js";
import { type Choice, halving } from "../src/drawing-choice.js";
import { allCorrect, judge } from "../src/evaluate/fidelity.js";
import { type PairedDifference, pairedDifference, shareInterval } from "../src/evaluate/intervals.js";
import { presetNames, presets } from "../src/generate/presets.js";
import { loadModel } from "../src/recipe/model-folder.js";
import { packageRoot } from "../src/tensor/index.js";

/** Sentences of combinations that were never trained on. */
const count = 200;
/** Canvases drawn together. */
const window = 40;
/** Pictures that are timed one by one. */
const alone = 5;

export interface QualityRow {
  readonly case: string;
  /** Share of the pictures that show all that was asked for, and its 95% interval. */
  readonly right: number;
  readonly low: number;
  readonly high: number;
  /** Against the row that is named, pair by pair. */
  readonly against: string;
  readonly difference: PairedDifference;
  /** Seconds a picture, drawn in batches of as many as fit a window, and one at a time. */
  readonly secondsInBatches: number;
  readonly secondsAlone: number;
}

interface Way {
  readonly name: string;
  readonly choice: Choice;
  readonly sampling: Sampling;
  readonly against: string;
}

/** @returns rows as they are measured */
export async function* measureQuality(only?: string): AsyncGenerator<QualityRow> {
  const pipeline = new DrawingPipeline(await loadModel(join(packageRoot(), "runs", "demo")));
  const verdicts = new Map<string, readonly number[]>();
  const all = ways(pipeline);
  const reference = all.find(({ name }) => name === only)?.against;
  for (const way of all) {
    if (only !== undefined && ![only, reference].includes(way.name)) continue;
    const row = await measureWay(pipeline, way, verdicts);
    if (only === undefined || way.name === only) yield row;
  }
  pipeline.dispose();
}

export function wayNames(): string[] {
  return [...presetNames, ...Object.keys(samplers), ...Object.keys(choices)];
}

/** Samplers in the place of the preset's, with the steps of `fast`. */
const samplers = { "fast-ddim": "ddim", "fast-dpm-solver": "dpm-solver" } as const;

/** Ways to choose, all with the balanced preset's steps. */
const choices: Readonly<Record<string, Choice>> = {
  plain: { kind: "plain" },
  "sad-5-at-5%": { kind: "aligned", candidates: 5, atFraction: 0.05 },
  "sad-5-at-12.5%": { kind: "aligned", candidates: 5, atFraction: 0.125 },
  "sad-5-at-50%": { kind: "aligned", candidates: 5, atFraction: 0.5 },
  "sad-10-at-12.5%": { kind: "aligned", candidates: 10, atFraction: 0.125 },
  "halving-8": halving(8, null),
  "halving-16": halving(16, null),
  "halving-16-separated": halving(16, 0.03),
  "each-step-3": { kind: "each-step", candidates: 3, fromFraction: 0.05 },
};

function ways({ trained: { drawing } }: DrawingPipeline): Way[] {
  const { guidance, temperature } = drawing;
  const sampling = (name: (typeof presetNames)[number]): Sampling => ({
    guidance,
    temperature,
    ...presets[name],
  });
  return [
    ...presetNames.map(
      (name): Way => ({ name, choice: { kind: "plain" }, sampling: sampling(name), against: "exact" }),
    ),
    ...Object.entries(samplers).map(([name, method]): Way => {
      const fast = sampling("fast");
      const sampled = { ...fast, tokens: { ...presets.fast.tokens, method } };
      return { name, choice: { kind: "plain" }, sampling: sampled, against: "exact" };
    }),
    ...Object.entries(choices).map(
      ([name, choice]): Way => ({ name, choice, sampling: sampling("balanced"), against: "plain" }),
    ),
  ];
}

async function measureWay(
  pipeline: DrawingPipeline,
  { name, choice, sampling, against }: Way,
  verdicts: Map<string, readonly number[]>,
): Promise<QualityRow> {
  const prompts = judgedPrompts(count);
  /** @returns what the pictures show */
  const draw = async (some: typeof prompts, canvases: number): Promise<number[]> => {
    const right: number[] = [];
    for await (const { picture } of pipeline.drawAll(some, { choice, sampling }, canvases))
      right.push(allCorrect(judge(picture, some[right.length]!.truth)) ? 1 : 0);
    return right;
  };
  await draw(prompts.slice(0, 1), 1);
  let started = performance.now();
  const right = await draw(prompts, window);
  const secondsInBatches = (performance.now() - started) / 1000 / count;
  started = performance.now();
  await draw(prompts.slice(0, alone), 1);
  const secondsAlone = (performance.now() - started) / 1000 / alone;
  verdicts.set(name, right);
  const hits = right.reduce((sum, one) => sum + one, 0);
  return {
    case: name,
    right: hits / count,
    ...shareInterval(hits, count),
    against,
    difference: pairedDifference(verdicts.get(against)!, right),
    secondsInBatches,
    secondsAlone,
  };
}

export function qualitySentence(row: QualityRow): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const { difference: d } = row;
  return [
    `${row.case}: ${percent(row.right)} right (${percent(row.low)} to ${percent(row.high)})`,
    `${percent(d.mean)} against ${row.against} (${percent(d.low)} to ${percent(d.high)})`,
    `${row.secondsInBatches.toFixed(3)} s/picture in batches, ${row.secondsAlone.toFixed(3)} s alone`,
  ].join("; ");
}
