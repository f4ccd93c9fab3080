/**
 * @file How a person says how to draw. Every setting may be left open, to the preset where one is named, or to the model; what would be ignored is
 * refused. The command, the library and the server say the same things in words of their own.
 */
import { z } from "zod";
import type { Sampling } from "./drawing.js";
import { type Choice, halving } from "./drawing-choice.js";
import { DreamError } from "./errors.js";
import { presetNames, presets } from "./generate/presets.js";
import { ancestral } from "./generate/schedule.js";
import type { TrainedModel } from "./recipe/model-folder.js";

const stepCount = z.int().min(1).max(1000);

/** Each setting's range. */
export const settingShape = {
  /** Drawings begun for each picture (K); 1 draws plainly. */
  candidates: z.int().min(1).max(64),
  /**
   * once: the best is chosen at `selectAt`; halving: half are dropped after 5% of the tokens, half of the rest after 12.5%, all but the best after 25%;
   * each-step: every step from `selectAt` on is drawn K times.
   */
  selection: z.enum(["once", "halving", "each-step"]),
  /** Share of the tokens decoded when the best is chosen. */
  selectAt: z.number().gt(0).lt(1),
  /** With halving: a picture whose best is ahead of its second by so much stops choosing. */
  separation: z.number().min(0).max(2),
  /** Steps and sampler by name; docs/drawing.md has what each costs. */
  preset: z.enum(presetNames),
  /** Decoding steps. */
  steps: z.int().min(2).max(4096),
  /** Of the diffusion head. */
  sampler: z.enum(["ancestral", "ddim", "dpm-solver"]),
  /** Of the head for each token, in the first decoding step and in the last. */
  diffusionSteps: z.strictObject({ first: stepCount, last: stepCount }),
  /** Strength of classifier-free guidance; 1 is none. */
  guidanceScale: z.number().min(0).max(100),
  /** The branch without caption is computed in every n-th step only. */
  guidanceEvery: z.int().min(1).max(4096),
  /** Scale of the noise in each diffusion step. */
  temperature: z.number().gt(0).max(10),
  /** What guidance leads away from, in place of the empty caption. */
  negative: z.string(),
} as const;

const settingsSchema = z.object(settingShape).partial();

/** How to draw: each setting is said, or left to the preset or the model. */
export type DrawingSettings = z.infer<typeof settingsSchema>;

/** How a setting is called, or a setting and its value, by whoever reads an error. */
export type NameSetting = (setting: keyof DrawingSettings, value?: unknown) => string;

/** As programs call them. */
export const plainNames: NameSetting = (setting, value) =>
  value === undefined ? setting : `${setting} ${JSON.stringify(value)}`;

/** How to draw, with nothing left open. */
export interface SettledDrawing {
  readonly choice: Choice;
  readonly sampling: Required<Sampling>;
  readonly negative: string | undefined;
}

/**
 * @param drawing what the model draws with where nothing is said
 * @throws DreamError `value` for a setting out of its range, `usage` for one that would be ignored
 */
export function settled(
  settings: DrawingSettings,
  drawing: TrainedModel["drawing"],
  named: NameSetting = plainNames,
): SettledDrawing {
  const parsed = settingsSchema.safeParse(settings);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const setting = issue!.path[0] as keyof DrawingSettings;
    throw new DreamError("value", { operation: `read ${named(setting)}`, message: issue!.message });
  }
  const choice = choiceOf(settings, drawing, named);
  return { choice, sampling: samplingOf(settings, drawing, named), negative: settings.negative };
}

function choiceOf(
  { selection = "once", separation, selectAt, candidates: asked }: DrawingSettings,
  drawing: TrainedModel["drawing"],
  named: NameSetting,
): Choice {
  const candidates = asked ?? drawing.candidates;
  const atFraction = selectAt ?? drawing.selectAt;
  if (candidates === 1) {
    const several = `${named("candidates", 2)} or more`;
    if (selection !== "once") throw ignored(named("selection", selection), several, "one candidate");
    if (selectAt !== undefined) throw ignored(named("selectAt"), several, "one candidate");
  }
  if (separation !== undefined && selection !== "halving")
    throw ignored(named("separation"), named("selection", "halving"), named("selection", selection));
  if (selectAt !== undefined && selection === "halving")
    throw ignored(
      named("selectAt"),
      `${named("selection", "once")} or each-step`,
      named("selection", "halving"),
    );
  switch (selection) {
    case "once":
      return candidates === 1 ? { kind: "plain" } : { kind: "aligned", candidates, atFraction };
    case "halving":
      return halving(candidates, separation ?? null);
    case "each-step":
      return { kind: "each-step", candidates, fromFraction: atFraction };
    default:
      throw new Error(`internal: no selection ${selection satisfies never}`);
  }
}

function samplingOf(
  settings: DrawingSettings,
  drawing: TrainedModel["drawing"],
  named: NameSetting,
): Required<Sampling> {
  const preset = settings.preset === undefined ? null : presets[settings.preset];
  const tokens = preset?.tokens ?? ancestral;
  const scale = settings.guidanceScale ?? drawing.guidance.scale;
  const method = settings.sampler ?? tokens.method;
  if (method !== "ancestral" && settings.temperature !== undefined)
    throw ignored(
      named("temperature"),
      named("sampler", "ancestral"),
      `${method}, which adds no noise to scale`,
    );
  for (const setting of ["negative", "guidanceEvery"] as const)
    if (scale === 1 && settings[setting] !== undefined)
      throw ignored(
        named(setting),
        `a ${named("guidanceScale")} other than 1`,
        `${named("guidanceScale", 1)}, which is no guidance`,
      );
  return {
    steps: settings.steps ?? preset?.steps ?? drawing.steps,
    guidance: { ...drawing.guidance, scale },
    guidanceEvery: settings.guidanceEvery ?? preset?.guidanceEvery ?? 1,
    temperature: settings.temperature ?? drawing.temperature,
    tokens: { method, diffusionSteps: settings.diffusionSteps ?? tokens.diffusionSteps },
  };
}

const ignored = (setting: string, beside: string, found: string): DreamError =>
  new DreamError("usage", {
    operation: `read ${setting}`,
    expected: `it beside ${beside}`,
    got: `it beside ${found}`,
    hint: "leave one of the two out",
  });
