import { describe, expect, it } from "vitest";
import { letterCaptions } from "../../test/letter-captions.js";
import { tinyModel } from "../../test/tiny.js";
import type { PictureCodec } from "../features/picture-codec.js";
import { eye, Generator, randn, scope, tensor } from "../tensor/index.js";
import { requireApplicable } from "./evaluate.js";
import { meanInterval } from "./intervals.js";
import { usualProbe } from "./linear-probe.js";
import type { Measurement } from "./measurement.js";
import { measureNamed } from "./measures.js";
import type { SharedFeatures, SplitFeatures } from "./shared-features.js";
import type { PictureSplit } from "./splits.js";
import type { EvaluationData, Subject } from "./subject.js";
import { ratioOutcomes } from "./zero-shot.js";

const [classes, trainCount, testCount] = [6, 300, 210];
const labelsOf = (count: number): number[] => Array.from({ length: count }, (_, i) => i % classes);
const split = (name: string, count: number): PictureSplit => ({ name, count, read: async () => [] });

/** Pictures that features tell all about, in one pool of two, and that embeddings find. */
function told(count: number, seed: number): SplitFeatures {
  return scope(() => {
    const generator = Generator.fromSeed(seed);
    const labels = labelsOf(count);
    const at = tensor(labels, [count], { dtype: "int64" });
    const shown = eye(classes).indexSelect(0, at);
    const noise = randn([count, classes], { generator });
    const joint = randn([count, 20], { generator });
    const unit = joint.div(joint.square().sum([1], true).sqrt());
    return {
      pooled: new Map([
        ["all", shown.mul(6).add(noise).persist()],
        ["image", noise.clone().persist()],
      ] as const),
      images: unit.clone().persist(),
      texts: unit.clone().persist(),
      latents: randn([count, 4, 8, 8], { generator }).persist(),
      labels,
      captions: labels.map((_, i) => `caption ${i}`),
    };
  });
}

const data: EvaluationData = {
  train: split("train", trainCount),
  test: split("test", testCount),
  classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
  scenes: 2,
  dense: null,
};

function subjectOf(changed: Partial<EvaluationData>, test: SplitFeatures): Subject {
  const known = { ...data, ...changed };
  const train = told(trainCount, 1);
  return {
    model: tinyModel(),
    codec: null as unknown as PictureCodec,
    captions: letterCaptions,
    data: known,
    features: {
      of: async (of: PictureSplit) => (of === known.test ? test : train),
    } as unknown as SharedFeatures,
    drawings: null,
    judges: { inception: null, encoder: null, pairs: null, reference: null },
    seed: 3,
  };
}

async function measured(name: string, changed: Partial<EvaluationData> = {}, test = told(testCount, 2)) {
  const subject = subjectOf(changed, test);
  const measure = measureNamed(name);
  requireApplicable([measure], subject);
  const found = await measure.run(subject);
  subject.model.dispose();
  return found;
}

const meanOf = ({ outcomes }: Measurement): number =>
  outcomes!.reduce((sum, one) => sum + one, 0) / outcomes!.length;

describe("measures of understanding", () => {
  it.each(["linear-probe", "few-shot", "retrieval", "zero-shot", "zero-shot-kept"])(
    "%s is the mean of its outcomes, lies in its interval, and can be kept as JSON",
    async (name) => {
      const found = await measured(name);
      expect(found.outcomes!.length).toBe(found.samples);
      expect(meanOf(found)).toBeCloseTo(found.value, 9);
      expect(found.interval!.low).toBeLessThanOrEqual(found.value);
      expect(found.interval!.high).toBeGreaterThanOrEqual(found.value);
      expect(JSON.parse(JSON.stringify(found))).toEqual(found);
    },
  );

  it("the probe tells of all pools and rates, and takes the pool that shows most", async () => {
    const { value, details, samples } = await measured("linear-probe");
    expect([samples, details.pool, details.classesNeverTrained]).toEqual([testCount, "all", 0]);
    expect(value).toBeGreaterThan(0.9);
    const pools = details.pools as Record<string, { accuracy: number; sweep: unknown[] }>;
    expect(Object.keys(pools)).toEqual(["all", "image"]);
    expect(pools.all!.accuracy).toBe(value);
    expect(pools.image!.accuracy).toBeLessThan(0.5);
    expect(pools.image!.sweep.length).toBe(usualProbe.rates.length);
  });

  it("few-shot episodes tell of both classifiers", async () => {
    const { value, details, samples } = await measured("few-shot");
    expect(samples).toBe(600);
    expect(value).toBeGreaterThan(0.9);
    expect((details.ridge as { mean: number }).mean).toBeGreaterThan(0.9);
  });

  it("retrieval and naming find embeddings that are the same", async () => {
    const { value, details } = await measured("retrieval");
    expect([value, details.imageToText]).toEqual([1, { at1: 1, at5: 1, at10: 1 }]);
    const named = await measured("zero-shot");
    // Two full groups of 210 pictures; the rest is not named.
    expect([named.value, named.samples, named.details.chance]).toEqual([1, 200, expect.closeTo(0.01, 12)]);
    const curve = named.details.curve as { masked: number; accuracy: number }[];
    expect(curve.map(({ masked }) => masked)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    expect(curve[0]!.accuracy).toBe(1);
    // The embeddings of what is hidden are the model's own, which know nothing of these captions.
    expect(curve[10]!.accuracy).toBeLessThan(0.1);
    const kept = await measured("zero-shot-kept");
    expect([kept.value, kept.details.accuracyHidden]).toEqual([curve[5]!.accuracy, curve[5]!.accuracy]);
  });

  it("names classes by their sentences where pictures have them", async () => {
    const { details, samples } = await measured("zero-shot", { scenes: null, templates: ["a {}", "the {}"] });
    expect(samples).toBe(testCount);
    expect(details).toMatchObject({ named: "among 6 classes", templates: ["a {}", "the {}"] });
    expect(details.chance).toBeCloseTo(1 / 6, 12);
  });

  it("keeps nothing where nothing was right", async () => {
    const test = told(testCount, 2);
    // Each picture lies where the next one's caption does.
    const images = test.texts.roll([1], [0]).persist();
    const found = await measured("zero-shot-kept", {}, { ...test, images });
    expect([found.value, found.outcomes, found.interval]).toEqual([0, null, null]);
  });

  it("say what they lack before they begin", async () => {
    const without = { classes: null } as const;
    await expect(measured("linear-probe", without)).rejects.toThrow(/needs pictures whose classes/);
    await expect(measured("few-shot", without)).rejects.toThrow(/needs pictures whose classes/);
    await expect(measured("linear-probe", { train: null })).rejects.toThrow(/split of 256 pictures or more/);
    const few = { ...without, test: split("test", 99) };
    await expect(measured("zero-shot", few)).rejects.toThrow(/needs 100 test pictures or more/);
    const unlabelled = { ...told(testCount, 2), labels: Array<null>(testCount).fill(null) };
    await expect(measured("few-shot", {}, unlabelled)).rejects.toThrow(
      /a class for each picture of the test/,
    );
  });
});

describe("a ratio of accuracies", () => {
  it("has outcomes whose mean it is, and whose spread is that of its repetitions", () => {
    const random = Generator.fromSeed(11);
    const [repetitions, n] = [400, 300];
    const draws = scope(() => randn([repetitions, n, 2], { generator: random }).toNumbers());
    const ratios: number[] = [];
    let halves = 0;
    for (let r = 0; r < repetitions; r++) {
      const before: number[] = [];
      const after: number[] = [];
      for (let i = 0; i < n; i++) {
        const [a, b] = [draws[2 * (r * n + i)]!, draws[2 * (r * n + i) + 1]!];
        before.push(Number(a > 0));
        // Right together more often than apart.
        after.push(Number(0.8 * a + 0.6 * b > 0.5));
      }
      const outcomes = ratioOutcomes(before, after);
      const { mean, low, high } = meanInterval(outcomes);
      const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
      expect(mean).toBeCloseTo(sum(after) / sum(before), 9);
      ratios.push(mean);
      halves += (high - low) / 2 / repetitions;
    }
    const centre = ratios.reduce((sum, one) => sum + one, 0) / repetitions;
    const deviation = Math.sqrt(
      ratios.reduce((sum, one) => sum + (one - centre) ** 2, 0) / (repetitions - 1),
    );
    // 400 repetitions know their own deviation to 3.5%.
    expect(halves / 1.96 / deviation).toBeGreaterThan(0.88);
    expect(halves / 1.96 / deviation).toBeLessThan(1.12);
  });
});
