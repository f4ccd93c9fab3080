/** @file Zero-shot classification while tokens are hidden: the curve that lets SAD score a drawing hardly begun (SPEC section 11). */
import { tokenCount } from "../models/dream/config.js";
import type { DreamModel } from "../models/dream/dream.js";
import { TokenMask, TokenOrders } from "../models/dream/mask.js";
import { maskedCount } from "../models/dream/masking.js";
import { patchify } from "../models/dream/tokens.js";
import { cat, Generator, scope, type Tensor } from "../tensor/index.js";
import { atRest } from "./at-rest.js";
import { meanInterval, meanOf, shareInterval } from "./intervals.js";
import type { Json, Measure } from "./measurement.js";
import {
  chanceOf,
  type NamingRound,
  type NamingRule,
  namedRight,
  namingRounds,
  namingRule,
} from "./naming.js";
import type { EvaluationData, Subject } from "./subject.js";

/** How well pictures are named with a share of their tokens hidden. */
export interface ZeroShotPoint {
  /** Share of the tokens that is hidden, 0..1. */
  readonly masked: number;
  /** Share of the pictures whose own class has the nearest text, 0..1. */
  readonly accuracy: number;
}

/** Pictures that are embedded at a time. */
const window = 256;

/**
 * How many pictures are named right while shares of their tokens are hidden. Latents are [P, C, H, W]; `classes` has each picture's class,
 * `classIds` each class's caption, int64 [K, context].
 * @param seed draws what is hidden, the same pictures' tokens in the same order at every share
 */
export function zeroShotCurve(
  model: DreamModel,
  { latents, classes, classIds }: { latents: Tensor; classes: readonly number[]; classIds: Tensor },
  shares: readonly number[],
  seed: number,
): ZeroShotPoint[] {
  return atRest(model, () => {
    const texts = model.embedTexts(classIds.to({ device: model.device })).to({ device: "cpu" });
    const rounds: NamingRound[] = [
      { first: 0, right: classes, texts, answers: [...Array(classIds.size(0)).keys()] },
    ];
    return shares.map((masked) => ({
      masked,
      accuracy: meanOf(scope(() => namedRight(embedHidden(model, latents, masked, seed), rounds))),
    }));
  });
}

/** @param latents [P, C, H, W] @param masked share of the tokens that is hidden @returns unit length, [P, joint width], on the CPU */
function embedHidden(model: DreamModel, latents: Tensor, masked: number, seed: number): Tensor {
  return atRest(model, () => {
    const [P, N] = [latents.size(0), tokenCount(model.config)];
    const random = Generator.fromSeed(seed);
    const parts: Tensor[] = [];
    for (let first = 0; first < P; first += window)
      parts.push(
        scope(() => {
          const B = Math.min(window, P - first);
          const some = latents.narrow(0, first, B).to({ device: model.device });
          const orders = TokenOrders.random(B, N, random);
          const mask = TokenMask.firstOf(orders, maskedCount(masked, N));
          return model.embedImages(patchify(some, model.config.latent.patch), mask).to({ device: "cpu" });
        }),
      );
    random.dispose();
    return cat(parts, 0);
  });
}

/** Whether each test picture is named right, by the share of its tokens that is hidden. */
async function namedWhileHidden(
  subject: Subject,
  rounds: readonly NamingRound[],
  shares: readonly number[],
): Promise<Map<number, readonly number[]>> {
  const { images, latents } = await subject.features.of(subject.data.test);
  return new Map(
    shares.map((masked) => [
      masked,
      scope(() =>
        namedRight(masked === 0 ? images : embedHidden(subject.model, latents, masked, subject.seed), rounds),
      ),
    ]),
  );
}

/** The texts by which test pictures are named, for people. */
function told(rule: NamingRule, rounds: readonly NamingRound[]): { readonly [name: string]: Json } {
  const chance = chanceOf(rounds);
  if (rule.kind === "classes")
    return { named: `among ${rule.names.length} classes`, templates: rule.templates, chance };
  const group = `the captions of ${rule.groupSize} pictures in a row`;
  return { named: `among ${group}; any with the very caption is right`, chance };
}

function lacksNaming(data: EvaluationData): string | null {
  const rule = namingRule(data);
  if (rule.kind === "classes" || data.test.count >= rule.groupSize) return null;
  return `${rule.groupSize} test pictures or more, by whose captions each is named`;
}

const tenths = Array.from({ length: 11 }, (_, i) => i / 10);

export const zeroShotMeasure: Measure = {
  name: "zero-shot",
  title: "Zero-shot naming",
  unit: "share",
  better: "higher",
  of: "understanding",
  lacks: ({ data }) => lacksNaming(data),
  run: async (subject) => {
    const rule = namingRule(subject.data);
    const rounds = await namingRounds(subject, rule);
    // Without buffers nothing is left to embed where all is hidden.
    const shares = subject.model.config.bufferTokens > 0 ? tenths : tenths.slice(0, -1);
    const named = await namedWhileHidden(subject, rounds, shares);
    const outcomes = named.get(0)!;
    return {
      value: meanOf(outcomes),
      interval: shareInterval(
        outcomes.reduce((sum, one) => sum + one, 0),
        outcomes.length,
      ),
      samples: outcomes.length,
      outcomes,
      details: {
        curve: [...named].map(([masked, right]) => ({ masked, accuracy: meanOf(right) })),
        ...told(rule, rounds),
      },
    };
  },
};

/** Share of the tokens that is hidden where it is asked what is left of the accuracy. */
const half = 0.5;

/**
 * The ratio of two accuracies on the same pictures, as a mean: each picture's part in it, in the first order of what chance does to
 * both (the delta method). Their spread is the ratio's, and two systems' can be compared pair by pair.
 * @param before outcomes, not all 0 @param after of the same pictures @returns numbers whose mean is meanOf(after) / meanOf(before)
 */
export function ratioOutcomes(before: readonly number[], after: readonly number[]): number[] {
  const whole = meanOf(before);
  const ratio = meanOf(after) / whole;
  return after.map((one, i) => ratio + (one - ratio * before[i]!) / whole);
}

export const zeroShotKeptMeasure: Measure = {
  name: "zero-shot-kept",
  title: "Zero-shot accuracy kept while half of the tokens are hidden",
  unit: "share",
  better: "higher",
  of: "understanding",
  lacks: ({ data }) => lacksNaming(data),
  run: async (subject) => {
    const rule = namingRule(subject.data);
    const rounds = await namingRounds(subject, rule);
    const named = await namedWhileHidden(subject, rounds, [0, half]);
    const [before, after] = [named.get(0)!, named.get(half)!];
    const details = {
      accuracy: meanOf(before),
      accuracyHidden: meanOf(after),
      masked: half,
      ...told(rule, rounds),
    };
    const samples = before.length;
    // Of nothing nothing is kept.
    if (details.accuracy === 0) return { value: 0, interval: null, samples, outcomes: null, details };
    const outcomes = ratioOutcomes(before, after);
    const { low, high } = meanInterval(outcomes);
    const value = details.accuracyHidden / details.accuracy;
    return { value, interval: { low, high }, samples, outcomes, details };
  },
};
