/** @file Checks of tables in double precision: schedules, masking distributions, learning rate, weight-decay groups, diffusion constants. */
import { decodingSchedule, guidanceScale, maskLengthAfter } from "../generate/schedule.js";
import { type DiffusionConstants, diffusionConstants } from "../models/dream/diffusion-constants.js";
import type { DreamModel } from "../models/dream/dream.js";
import {
  cumulative,
  type MaskingWarmup,
  maskedCount,
  moments,
  quantile,
  warmupDistribution,
} from "../models/dream/masking.js";
import { trainingSteps } from "../models/dream/noise-diffusion.js";
import { pytorchName } from "../models/dream/pytorch-names.js";
import { readTensor } from "../nn/index.js";
import { scope } from "../tensor/index.js";
import { decays } from "../train/adamw.js";
import { learningRateAt } from "../train/schedules.js";
import type { CheckBook } from "./subject.js";
import { errorOf } from "./tolerance.js";

type Json = Readonly<Record<string, unknown>>;

/** The tables that a whole folder has. */
export const tableKinds = [
  "generation_schedule",
  "masking",
  "masked_count",
  "learning_rate",
  "parameter_groups",
  "optimizer_case",
  "init_logit_scale",
] as const;

/** @returns the names of tables of a kind that is not known here */
export function checkTables(book: CheckBook, model: DreamModel): string[] {
  const unknown: string[] = [];
  if (book.recordings.has("tables")) {
    const tables = book.recordings.table("tables") as Json;
    const known: Readonly<Record<(typeof tableKinds)[number], (table: never) => void>> = {
      generation_schedule: (entries: readonly GenerationSchedule[]) =>
        checkGenerationSchedules(book, entries),
      masking: (variants: Readonly<Record<string, MaskingVariant>>) => checkMasking(book, variants),
      masked_count: (rows: readonly { seq_len: number; ratio: number; num_masked: number }[]) =>
        compare(
          book,
          "masked_count",
          rows.map((row) => row.num_masked),
          rows.map((row) => maskedCount(row.ratio, row.seq_len)),
          true,
        ),
      learning_rate: (table: LearningRateTable) => checkLearningRate(book, table),
      parameter_groups: (groups: { decay: readonly string[]; no_decay: readonly string[] }) =>
        checkParameterGroups(book, model, groups),
      // Its settings are read, and its norms compared, where the optimiser is checked.
      optimizer_case: () => {},
      init_logit_scale: (value: number) => compare(book, "init_logit_scale", [value], [Math.log(1 / 0.07)]),
    };
    for (const [kind, table] of Object.entries(tables)) {
      const check = tableKinds.find((one) => one === kind);
      if (check === undefined) unknown.push(kind);
      else known[check](table as never);
    }
  }
  if (book.recordings.has("diffusion_tables")) checkDiffusionTables(book);
  return unknown;
}

function compare(
  book: CheckBook,
  name: string,
  expected: readonly number[],
  actual: readonly number[],
  exact = false,
): void {
  book.add(name, errorOf({ values: expected, exact }, { values: actual }));
}

interface GenerationSchedule {
  readonly seq_len: number;
  readonly num_iter: number;
  readonly cfg: number;
  readonly mask_len_after_step: readonly number[];
  readonly num_predicted: readonly number[];
  readonly cfg_linear: readonly number[];
  readonly cfg_constant: readonly number[];
}

function checkGenerationSchedules(book: CheckBook, entries: readonly GenerationSchedule[]): void {
  for (const entry of entries) {
    const { seq_len: N, num_iter: stepCount, cfg: scale } = entry;
    const name = `generation_schedule.${N}x${stepCount}`;
    const lengths: number[] = [];
    for (let step = 0; step < stepCount; step++)
      lengths.push(maskLengthAfter(lengths.at(-1) ?? N, step, stepCount, N));
    const predicted = Array.from({ length: stepCount }, () => 0);
    for (const step of decodingSchedule(N, stepCount, { kind: "none" }))
      predicted[step.index] = step.predicted;
    compare(book, `${name}.mask_len_after_step`, entry.mask_len_after_step, lengths, true);
    compare(book, `${name}.num_predicted`, entry.num_predicted, predicted, true);
    for (const kind of ["linear", "constant"] as const)
      compare(
        book,
        `${name}.cfg_${kind}`,
        entry[`cfg_${kind}`],
        lengths.map((length) => guidanceScale({ kind, scale }, length, N)),
      );
  }
}

interface MaskingSettings {
  readonly mask_ratio_min: number;
  readonly mask_ratio_max: number;
  readonly mask_ratio_std: number;
  readonly mask_ratio_mu_start: number;
  readonly mask_ratio_mu_end: number;
  readonly fixed_boundary?: boolean;
  readonly warmup?: number;
  readonly warmup_end?: number | null;
  readonly warmup_shape?: "linear" | "cosine" | null;
  readonly cooldown?: number;
  readonly schedule_std?: boolean;
  readonly total_epochs: number;
}

interface MaskingVariant {
  readonly settings: MaskingSettings;
  readonly rows: readonly Json[];
}

function warmupFrom(settings: MaskingSettings): MaskingWarmup {
  const { warmup_end: end } = settings;
  return {
    kind: "warmup",
    minimum: settings.mask_ratio_min,
    maximum: settings.mask_ratio_max,
    deviation: settings.mask_ratio_std,
    meanStart: settings.mask_ratio_mu_start,
    meanEnd: settings.mask_ratio_mu_end,
    startEpoch: settings.warmup ?? 0,
    end: typeof end === "number" ? { kind: "epoch", epoch: end } : { kind: "cooldown" },
    shape: settings.warmup_shape ?? "linear",
    totalEpochs: settings.total_epochs,
    deviationSchedule: settings.schedule_std === true ? "growing" : "constant",
    bounds: settings.fixed_boundary === true ? "fixed" : "moving",
    cooldownEpochs: settings.cooldown ?? 0,
  };
}

function checkMasking(book: CheckBook, variants: Readonly<Record<string, MaskingVariant>>): void {
  const { config } = book.recordings.json;
  const flag = (name: string): number => (typeof config[name] === "number" ? (config[name] as number) : 0);
  for (const [variant, { settings, rows }] of Object.entries(variants)) {
    const schedule = warmupFrom(settings);
    for (const row of rows) {
      const distribution = warmupDistribution(schedule, row.epoch as number);
      const { mean, deviation } = moments(distribution);
      const values: Readonly<Record<string, number>> = {
        mu: distribution.location,
        a: distribution.a,
        b: distribution.b,
        loc: distribution.location,
        scale: distribution.scale,
        exact_mean: mean,
        exact_std: deviation,
        prob_clip_active: cumulative(distribution, 1 - flag("min_ratio_for_clip_loss")),
        prob_mar_active: 1 - cumulative(distribution, flag("min_masked_ratio_for_mar_loss")),
      };
      const expected: number[] = [];
      const actual: number[] = [];
      for (const [key, value] of Object.entries(values)) {
        if (typeof row[key] !== "number") continue;
        expected.push(row[key]);
        actual.push(value);
      }
      for (const [p, value] of Object.entries((row.ppf ?? {}) as Readonly<Record<string, number>>)) {
        expected.push(value);
        actual.push(quantile(distribution, Number(p)));
      }
      for (const [x, value] of Object.entries((row.cdf ?? {}) as Readonly<Record<string, number>>)) {
        expected.push(value);
        actual.push(cumulative(distribution, Number(x)));
      }
      const errors = expected.map((value, i) =>
        errorOf({ values: [value], exact: false }, { values: [actual[i]!] }),
      );
      book.add(`masking.${variant}.epoch${String(row.epoch)}`, Math.max(0, ...errors));
    }
  }
}

interface LearningRateTable {
  readonly base_lr: number;
  readonly min_lr: number;
  readonly warmup_epochs: number;
  readonly total_epochs: number;
  readonly epochs: readonly number[];
  readonly constant?: readonly number[];
  readonly cosine?: readonly number[];
}

function checkLearningRate(book: CheckBook, table: LearningRateTable): void {
  for (const kind of ["constant", "cosine"] as const) {
    const expected = table[kind];
    if (expected === undefined) continue;
    const schedule = {
      kind,
      peak: table.base_lr,
      minimum: table.min_lr,
      warmupEpochs: table.warmup_epochs,
      totalEpochs: table.total_epochs,
    };
    compare(
      book,
      `learning_rate.${kind}`,
      expected,
      table.epochs.map((epoch) => learningRateAt(schedule, epoch)),
    );
  }
}

function checkParameterGroups(
  book: CheckBook,
  model: DreamModel,
  groups: { readonly decay: readonly string[]; readonly no_decay: readonly string[] },
): void {
  const parameters = model.parameters();
  const names = (decayed: boolean): string[] =>
    parameters.filter((one) => decays(one) === decayed).map(([path]) => pytorchName(path));
  const same = (a: readonly string[], b: readonly string[]): number =>
    String([...a].sort()) === String([...b].sort()) ? 0 : Number.POSITIVE_INFINITY;
  book.add("parameter_groups.decay", same(groups.decay, names(true)));
  book.add("parameter_groups.no_decay", same(groups.no_decay, names(false)));
}

const constantNames: Readonly<Record<string, keyof DiffusionConstants>> = {
  betas: "betas",
  alphas_cumprod: "alphasCumprod",
  sqrt_alphas_cumprod: "sqrtAlphasCumprod",
  sqrt_one_minus_alphas_cumprod: "sqrtOneMinusAlphasCumprod",
  sqrt_recip_alphas_cumprod: "sqrtRecipAlphasCumprod",
  sqrt_recipm1_alphas_cumprod: "sqrtRecipm1AlphasCumprod",
  posterior_mean_coef1: "posteriorMeanCoef1",
  posterior_mean_coef2: "posteriorMeanCoef2",
  posterior_variance: "posteriorVariance",
  posterior_log_variance_clipped: "posteriorLogVarianceClipped",
  log_betas: "logBetas",
  timestep_map: "timestepMap",
};

/** `train.*` is the whole process, `gen{respacing}.*` a respaced one. */
function checkDiffusionTables(book: CheckBook): void {
  const file = book.recordings.open("diffusion_tables");
  const processes = new Map<string, DiffusionConstants>();
  for (const [name, entry] of file.tensors) {
    const [, process = "", respacing, key = ""] = /^(train|gen([\d,_]+))\.(\w+)$/.exec(name) ?? [];
    const column = constantNames[key];
    if (process === "" || column === undefined) continue;
    let constants = processes.get(process);
    if (constants === undefined) {
      constants = diffusionConstants(trainingSteps, respacing?.replaceAll("_", ","));
      processes.set(process, constants);
    }
    const expected = scope(() => readTensor(file, name).toNumbers());
    const values = Array.from(constants[column] as ArrayLike<number>, (value) =>
      entry.dtype === "F32" ? Math.fround(value) : value,
    );
    book.add(
      `diffusion.${name}`,
      errorOf({ values: expected, exact: entry.dtype.startsWith("I") }, { values }),
    );
  }
}
