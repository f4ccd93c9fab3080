/** @file The options of all commands that draw: how many candidates and how they are chosen between, which sampler, how many steps; and the sentences. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Choice, halving, type Sampling } from "../drawing.js";
import { DreamError } from "../errors.js";
import type { Precision } from "../generate/engine.js";
import { type PresetName, presetNames, presets } from "../generate/presets.js";
import { ancestral, type TokenSampling } from "../generate/schedule.js";
import type { SamplingMethod } from "../models/dream/token-diffusion.js";
import type { TrainedModel } from "../recipe/model-folder.js";
import { deviceOption } from "./device.js";
import { notNegative, positive, properShare, whole } from "./numbers.js";
import { say } from "./output.js";

export interface DrawingFlags {
  readonly candidates?: number;
  readonly selection: "once" | "halving" | "each-step";
  readonly selectAt?: number;
  readonly separation?: number;
  readonly preset?: PresetName;
  readonly steps?: number;
  readonly sampler?: SamplingMethod;
  readonly diffusionSteps?: NonNullable<TokenSampling["diffusionSteps"]>;
  readonly cfgScale?: number;
  readonly guidanceEvery?: number;
  readonly temperature?: number;
  readonly negative?: string;
  readonly precision: Precision;
  readonly device: string;
}

export function addDrawingOptions(command: Command): Command {
  return command
    .option(
      "--candidates <K>",
      "drawings begun for each picture; 1 draws plainly (default: the model's)",
      whole(1),
    )
    .addOption(
      new Option(
        "--selection <kind>",
        "once: the best is chosen at --select-at; halving: half are dropped at 5% of the tokens, half of the rest at 12.5%, all but the best at 25%; each-step: every step from --select-at on is drawn K times",
      )
        .choices(["once", "halving", "each-step"])
        .default("once"),
    )
    .option(
      "--select-at <share>",
      "share of the tokens decoded when the best is chosen (default: the model's)",
      properShare,
    )
    .option(
      "--separation <cosine>",
      "with halving: a picture whose best is ahead of its second by so much stops choosing",
      notNegative,
    )
    .addOption(
      new Option(
        "--preset <name>",
        "steps and sampler by name (docs/drawing.md has what each costs); what is given beside it counts first",
      ).choices(presetNames),
    )
    .option("--steps <count>", "decoding steps (default: the model's)", whole(2))
    .addOption(
      new Option("--sampler <name>", "of the diffusion head (default: ancestral, the paper's)").choices([
        "ancestral",
        "ddim",
        "dpm-solver",
      ]),
    )
    .option(
      "--diffusion-steps <count>",
      "of the head for each token, or first:last, as 50:5, for fewer as the picture fills (default: the model's)",
      stepRange,
    )
    .option("--cfg-scale <scale>", "strength of guidance; 1 is none (default: the model's)", notNegative)
    .option(
      "--guidance-every <n>",
      "compute the branch without caption in every n-th step only, and keep its difference between (default: 1)",
      whole(1),
    )
    .option("--negative <sentence>", "what guidance leads away from, in place of the empty caption")
    .option(
      "--temperature <factor>",
      "scale of the noise in each diffusion step (default: the model's)",
      positive,
    )
    .addOption(
      new Option("--precision <kind>", "of matrix products; bfloat16 is for hardware that multiplies it")
        .choices(["float32", "bfloat16"])
        .default("float32"),
    )
    .addOption(deviceOption());
}

/** A count, or the first one and the last. */
function stepRange(text: string): NonNullable<TokenSampling["diffusionSteps"]> {
  const [, first, last = first] = /^(\d+)(?::(\d+))?$/.exec(text.trim()) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (range.first >= 1 && range.last >= 1) return range;
  throw new InvalidArgumentError(`Expected a count of steps, or two as 50:5, got "${text}".`);
}

/** What drawing takes from a model where the flags leave it open. */
type Defaults = Pick<TrainedModel, "drawing">;

/** @throws DreamError `usage` where a flag would be ignored */
export function choiceOf(flags: DrawingFlags, { drawing }: Defaults): Choice {
  const { selection, separation, selectAt } = flags;
  const candidates = flags.candidates ?? drawing.candidates;
  const atFraction = selectAt ?? drawing.selectAt;
  if (candidates === 1) {
    const several = "--candidates 2 or more";
    if (selection !== "once") throw ignored(`--selection ${selection}`, several, "one candidate");
    if (selectAt !== undefined) throw ignored("--select-at", several, "one candidate");
  }
  if (separation !== undefined && selection !== "halving")
    throw ignored("--separation", "--selection halving", `--selection ${selection}`);
  if (selectAt !== undefined && selection === "halving")
    throw ignored("--select-at", "--selection once or each-step", "--selection halving");
  switch (selection) {
    case "once":
      return { kind: "aligned", candidates, atFraction };
    case "halving":
      return halving(candidates, separation ?? null);
    case "each-step":
      return { kind: "each-step", candidates, fromFraction: atFraction };
    default:
      throw new Error(`internal: no selection ${selection satisfies never}`);
  }
}

const ignored = (flag: string, beside: string, found: string): DreamError =>
  new DreamError("usage", {
    operation: `read ${flag}`,
    expected: `it beside ${beside}`,
    got: `it beside ${found}`,
    hint: "leave one of the two out",
  });

/** @throws DreamError `usage` where a flag would be ignored */
export function samplingOf(flags: DrawingFlags, { drawing }: Defaults): Required<Sampling> {
  const preset = flags.preset === undefined ? null : presets[flags.preset];
  const tokens = preset?.tokens ?? ancestral;
  const scale = flags.cfgScale ?? drawing.guidance.scale;
  const method = flags.sampler ?? tokens.method;
  if (method !== "ancestral" && flags.temperature !== undefined)
    throw ignored("--temperature", "--sampler ancestral", `${method}, which adds no noise to scale`);
  for (const [flag, given] of [
    ["--negative", flags.negative],
    ["--guidance-every", flags.guidanceEvery],
  ] as const)
    if (scale === 1 && given !== undefined)
      throw ignored(flag, "a --cfg-scale other than 1", "--cfg-scale 1, which is no guidance");
  return {
    steps: flags.steps ?? preset?.steps ?? drawing.steps,
    guidance: { ...drawing.guidance, scale },
    guidanceEvery: flags.guidanceEvery ?? preset?.guidanceEvery ?? 1,
    temperature: flags.temperature ?? drawing.temperature,
    tokens: { method, diffusionSteps: flags.diffusionSteps ?? tokens.diffusionSteps },
  };
}

/** @throws DreamError `usage` where the model cannot read a sentence whole */
export function checkPrompt({ captions }: TrainedModel, prompt: string, flag: string): void {
  const { found, most, unit } = captions.length(prompt);
  if (found > most)
    throw new DreamError("usage", {
      operation: `read ${flag}`,
      expected: `at most ${most} ${unit}, which is what this model reads`,
      got: `${found} ${unit} (${prompt.length} characters)`,
      hint: "shorten the sentence",
    });
  const unknown = captions.unknownWords(prompt);
  if (unknown.length > 0)
    say(`This model never read ${unknown.map((word) => `"${word}"`).join(", ")}. ${captions.description}.`);
}
