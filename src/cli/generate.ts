/** @file `dream generate`: pictures from sentences, several candidates begun and the best one finished (SAD). */
import type { Command } from "commander";
import { deviceFor } from "../device.js";
import { DrawingPipeline, type Wanted } from "../drawing.js";
import { DreamError } from "../errors.js";
import { Profile } from "../generate/profile.js";
import type { DecodingStep } from "../generate/schedule.js";
import { loadModel, type TrainedModel } from "../recipe/model-folder.js";
import { addDrawingOptions, checkPrompt, type DrawingFlags, settledBy } from "./drawing-options.js";
import { keepPicture } from "./kept-pictures.js";
import { locateModel } from "./locate-model.js";
import { whole } from "./numbers.js";
import { say } from "./output.js";
import { Progress } from "./progress.js";

interface GenerateOptions extends DrawingFlags {
  readonly model: string;
  readonly prompt: readonly string[];
  readonly class: readonly number[];
  readonly number: number;
  readonly seed: number;
  readonly outputDir: string;
  readonly profile?: boolean;
  readonly json?: boolean;
}

export function addGenerate(program: Command): void {
  const collect = (prompt: string, before: readonly string[]): string[] => [...before, prompt];
  const command = program
    .command("generate")
    .description(
      "draw pictures from sentences with a trained model, and write them as PNGs with their settings inside",
    )
    .requiredOption("--model <run>", "a run's folder, such as runs/demo")
    .option("--prompt <sentence>", "what to draw; may be given several times", collect, [])
    .option(
      "--class <number>",
      "what to draw with a model that classes condition; may be given several times",
      (text: string, before: readonly number[]) => [...before, whole(0)(text)],
      [],
    )
    .option("-n, --number <count>", "pictures of each sentence", whole(1), 1);
  addDrawingOptions(command)
    .option("--seed <number>", "of the first picture; the next ones count up", whole(0), 0)
    .option("--output-dir <folder>", "where the pictures go", "out")
    .option("--profile", "say at the end where the time went")
    .option("--json", "print one line of JSON for each picture")
    .addHelpText(
      "after",
      '\nExample:\n  $ dream generate --model runs/demo --prompt "a large red circle in the centre on a striped background" -n 4 --candidates 5 --seed 7',
    )
    .action(generate);
}

async function generate(options: GenerateOptions): Promise<void> {
  const trained = await loadModel(options.model, locateModel, deviceFor(options.device, null));
  const { negative } = options;
  for (const prompt of options.prompt) checkPrompt(trained, prompt, "--prompt");
  if (negative !== undefined) checkPrompt(trained, negative, "--negative");
  const { choice, sampling } = settledBy(options, trained);
  const wanted = whatToDraw(options, trained);
  const profile = options.profile ? new Profile(trained.model.device) : null;
  const pipeline = new DrawingPipeline(trained, { precision: options.precision, profile });
  const progress = new Progress("Drawing");
  let done = 0;
  const ways = {
    choice,
    sampling,
    ...(negative === undefined ? {} : { negative }),
    onStep: ({ index }: DecodingStep, count: number) =>
      progress.update(done + (count * (index + 1)) / sampling.steps, wanted.length),
  };
  for await (const { caption: prompt, seed, seconds, ...drawn } of pipeline.drawAll(wanted, ways)) {
    done++;
    const from = { prompt, seed, drawing: { choice, sampling, negative } };
    await keepPicture(options.outputDir, drawn, from, seconds, options.json ?? false);
  }
  if (profile !== null) sayProfile(profile);
}

/** @throws DreamError `value` where a model is told in another way than it was trained for, or nothing */
function whatToDraw(
  { prompt, class: classes, number, seed }: GenerateOptions,
  { model }: TrainedModel,
): Wanted[] {
  const told = model.config.classes.kind === "labels" ? "--class" : "--prompt";
  const [asked, other] = told === "--class" ? [classes, prompt] : [prompt, classes];
  if (asked.length === 0 || other.length > 0)
    throw new DreamError("value", {
      operation: "draw",
      expected: `${told}, which is how this model is told what to draw`,
      got: other.length > 0 ? (told === "--class" ? "--prompt" : "--class") : "nothing",
    });
  const things: { caption: string; label?: number }[] =
    told === "--class"
      ? classes.map((label) => ({ caption: "", label }))
      : prompt.map((caption) => ({ caption }));
  return things.flatMap((one) => Array.from({ length: number }, (_, i) => ({ ...one, seed: seed + i })));
}

function sayProfile(profile: Profile): void {
  const report = profile.report();
  const all = report.reduce((sum, { seconds }) => sum + seconds, 0);
  for (const { stage, seconds } of report)
    say(`${stage.padEnd(9)} ${seconds.toFixed(3)} s  ${((100 * seconds) / all).toFixed(1)}%`);
}
