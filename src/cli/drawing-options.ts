/** @file The options of all commands that draw: how many candidates and how they are chosen between, which sampler, how many steps; and the sentences. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type DrawingSettings, type NameSetting, type SettledDrawing, settled } from "../drawing-settings.js";
import { DreamError } from "../errors.js";
import type { Precision } from "../generate/engine.js";
import { presetNames } from "../generate/presets.js";
import type { TokenSampling } from "../generate/schedule.js";
import type { TrainedModel } from "../recipe/model-folder.js";
import { deviceOption } from "./device.js";
import { notNegative, positive, properShare, whole } from "./numbers.js";
import { say } from "./output.js";

export interface DrawingFlags extends Omit<DrawingSettings, "guidanceScale"> {
  readonly cfgScale?: number;
  readonly precision: Precision;
  readonly device: string;
}

export const precisionOption = (): Option =>
  new Option("--precision <kind>", "of matrix products; bfloat16 is for hardware that multiplies it")
    .choices(["float32", "bfloat16"])
    .default("float32");

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
    .addOption(precisionOption())
    .addOption(deviceOption());
}

/** A count, or the first one and the last. */
function stepRange(text: string): NonNullable<TokenSampling["diffusionSteps"]> {
  const [, first, last = first] = /^(\d+)(?::(\d+))?$/.exec(text.trim()) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (range.first >= 1 && range.last >= 1) return range;
  throw new InvalidArgumentError(`Expected a count of steps, or two as 50:5, got "${text}".`);
}

/** As the command line calls them. */
const flagNames: NameSetting = (setting, value) => {
  const flag =
    setting === "guidanceScale"
      ? "--cfg-scale"
      : `--${setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return value === undefined ? flag : `${flag} ${value}`;
};

/** @throws DreamError `usage` where a flag would be ignored */
export function settledBy(
  { cfgScale, precision: _precision, device: _device, ...flags }: DrawingFlags,
  { drawing }: Pick<TrainedModel, "drawing">,
): SettledDrawing {
  return settled(
    { ...flags, ...(cfgScale === undefined ? {} : { guidanceScale: cfgScale }) },
    drawing,
    flagNames,
  );
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
