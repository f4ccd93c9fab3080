/**
 * @file The work of several drawings as one: drawings that are at the same step share a pass of the encoder and the decoder, and those
 * whose tokens are drawn in the same way share the diffusion head, at whatever step they are. Each gets what it would get alone, up to rounding.
 */
import { TokenMask, TokenOrders } from "../models/dream/mask.js";
import type { Sampler, TokenNoise } from "../models/dream/token-diffusion.js";
import type { TextMemory } from "../nn/index.js";
import { cat, scope, type Tensor, tensor } from "../tensor/index.js";
import type { DrawingEngine } from "./engine.js";
import { scoreCanvas } from "./selection.js";
import { type Canvas, type Conditions, planStep, type StepPlan, type StepStart } from "./trajectory.js";

/** Encodes and decodes every drawing's canvas once. @returns a plan for each, in their order */
export function planTogether(engine: DrawingEngine, starts: readonly StepStart[]): StepPlan[] {
  return inGroups(starts, stepOf(engine), (group) =>
    group.length === 1
      ? [planStep(engine, group[0]!)]
      : parted(
          planStep(engine, joined(engine, group)),
          group.map(({ canvas }) => canvas.mask.batch),
          group[0]!.conditions.guided,
        ),
  );
}

/** What tells steps apart that one pass cannot take. */
function stepOf(engine: DrawingEngine): (start: StepStart) => string {
  return ({ canvas: { mask, encoded }, step, conditions: { guided, classes }, away }) => {
    const known = encoded === engine.blank ? "blank" : encoded === null ? "no" : "yes";
    return [mask.count, step.predicted, step.nextMaskLength, guided, classes !== null, away, known].join(" ");
  };
}

function joined(engine: DrawingEngine, starts: readonly StepStart[]): StepStart {
  const canvases = starts.map(({ canvas }) => canvas);
  const { encoded } = canvases[0]!;
  const all = <T>(parts: readonly (T | null)[], join: (parts: readonly T[]) => T): T | null =>
    parts[0] === null ? null : join(parts as readonly T[]);
  const rows = (parts: readonly Tensor[]): Tensor => cat(parts, 0);
  return {
    ...starts[0]!,
    canvas: {
      tokens: rows(canvases.map(({ tokens }) => tokens)),
      mask: TokenMask.joined(canvases.map(({ mask }) => mask)),
      encoded:
        encoded === engine.blank
          ? encoded
          : all(
              canvases.map((canvas) => canvas.encoded),
              rows,
            ),
      away: all(
        canvases.map((canvas) => canvas.away),
        rows,
      ),
    },
    orders: TokenOrders.joined(starts.map(({ orders }) => orders)),
    conditions: joinedConditions(starts.map(({ conditions }) => conditions)),
  };
}

/** Captions' rows of all before what guidance leads away from of all. */
function joinedConditions(parts: readonly Conditions[]): Conditions {
  const { memory, guided, classes } = parts[0]!;
  const branches = guided ? [0, 1] : [0];
  const rowsOf = (one: TextMemory, branch: number): TextMemory => {
    const rows = one.size(0) / branches.length;
    return one.narrow(0, branch * rows, rows);
  };
  return {
    memory: memory.map((_, block) =>
      cat(
        branches.flatMap((branch) => parts.map((part) => rowsOf(part.memory[block]!, branch))),
        0,
      ),
    ),
    guided,
    classes:
      classes === null
        ? null
        : cat(
            parts.map((part) => part.classes!),
            0,
          ),
  };
}

/** A plan's parts. @param rows pictures of each part */
function parted({ drawn, next, z, away }: StepPlan, rows: readonly number[], guided: boolean): StepPlan[] {
  const branches = guided ? 2 : 1;
  const tokens = z.size(0) / branches;
  let first = 0;
  return rows.map((count) => {
    const places = Array.from({ length: count }, (_, i) => first + i);
    const from = first * drawn.count;
    const part = Array.from({ length: branches }, (_, branch) =>
      z.narrow(0, branch * tokens + from, count * drawn.count),
    );
    const plan = {
      drawn: drawn.pick(places),
      next: next.pick(places),
      z: part.length === 1 ? part[0]! : cat(part, 0),
      away: away?.narrow(0, first, count) ?? null,
    };
    first += count;
    return plan;
  });
}

/** What one drawing asks of the diffusion head. */
export interface HeadWork {
  readonly sampler: Sampler;
  /** [P, D], or [2P, D] with guidance: the conditional rows, then the unconditional ones. */
  readonly z: Tensor;
  readonly noise: TokenNoise;
  /** Null without guidance. */
  readonly guidanceScale: number | null;
  readonly temperature: number;
}

/** Draws every drawing's tokens. @returns [P, C] of each, in their order */
export function sampleTogether(engine: DrawingEngine, works: readonly HeadWork[]): Tensor[] {
  const samplers = [...new Set(works.map(({ sampler }) => sampler))];
  const wayOf = ({ sampler, guidanceScale, temperature }: HeadWork): string =>
    [samplers.indexOf(sampler), guidanceScale !== null, temperature].join(" ");
  return inGroups(works, wayOf, (group) => {
    const { sampler, temperature } = group[0]!;
    const counts = group.map(({ noise }) => noise.initial.size(0));
    const [z, noise] = group.length === 1 ? [group[0]!.z, group[0]!.noise] : [joinedZ(group), noiseOf(group)];
    const guidance = guidanceOf(group, counts);
    const values = engine.time("head", () => sampler.sample(z, noise, { guidance, temperature }));
    let first = 0;
    return counts.map((count) => {
      const part = values.narrow(0, first, count);
      first += count;
      return part;
    });
  });
}

function joinedZ(works: readonly HeadWork[]): Tensor {
  if (works[0]!.guidanceScale === null)
    return cat(
      works.map(({ z }) => z),
      0,
    );
  const halves = works.map(({ z }) => z.chunk(2, 0));
  return cat([...halves.map(([told]) => told!), ...halves.map(([, untold]) => untold!)], 0);
}

const noiseOf = (works: readonly HeadWork[]): TokenNoise => ({
  initial: cat(
    works.map(({ noise }) => noise.initial),
    0,
  ),
  steps: cat(
    works.map(({ noise }) => noise.steps),
    1,
  ),
});

/** @param counts tokens of each */
function guidanceOf(
  works: readonly HeadWork[],
  counts: readonly number[],
): { readonly scale: number | Tensor } | null {
  const scales = works.flatMap(({ guidanceScale }) => guidanceScale ?? []);
  if (scales.length === 0) return null;
  if (new Set(scales).size === 1) return { scale: scales[0]! };
  const each = Float32Array.from(scales.flatMap((scale, i) => Array<number>(counts[i]!).fill(scale)));
  return { scale: tensor(each, [each.length, 1], { device: works[0]!.z.device }) };
}

/** Half-drawn pictures, and the embedding of each one's caption. */
export interface Judged {
  readonly canvas: Canvas;
  /** [B, joint width], unit length */
  readonly texts: Tensor;
}

/** What is thought of them. */
export interface Scored {
  /** B cosines */
  readonly scores: readonly number[];
  /** The canvas with what the encoder gives of it. */
  readonly seen: Canvas;
}

/** Scores every drawing's canvas. @returns for each, in their order */
export function scoreTogether(engine: DrawingEngine, judged: readonly Judged[]): Scored[] {
  const hidden = ({ canvas: { mask } }: Judged): string => String(mask.count);
  return inGroups(judged, hidden, (group) =>
    scope(() => {
      const { scores, seen } = engine.time("scores", () =>
        scoreCanvas(
          engine.model,
          {
            tokens: cat(
              group.map(({ canvas }) => canvas.tokens),
              0,
            ),
            mask: TokenMask.joined(group.map(({ canvas }) => canvas.mask)),
            encoded: null,
            away: null,
          },
          cat(
            group.map(({ texts }) => texts),
            0,
          ),
        ),
      );
      let first = 0;
      return group.map(({ canvas }) => {
        const count = canvas.mask.batch;
        const encoded = seen.encoded!.narrow(0, first, count);
        const one = { scores: scores.slice(first, first + count), seen: { ...canvas, encoded } };
        first += count;
        return one;
      });
    }),
  );
}

/** Does things of one kind together. @returns a result for each, in their order */
function inGroups<T, R>(
  things: readonly T[],
  kindOf: (thing: T) => string,
  work: (group: readonly T[]) => readonly R[],
): R[] {
  const groups = new Map<string, number[]>();
  for (const [place, thing] of things.entries()) {
    const kind = kindOf(thing);
    groups.set(kind, [...(groups.get(kind) ?? []), place]);
  }
  const results: R[] = [];
  for (const places of groups.values())
    for (const [i, result] of work(places.map((place) => things[place]!)).entries())
      results[places[i]!] = result;
  return results;
}
