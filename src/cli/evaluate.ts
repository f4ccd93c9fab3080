/** @file `dream evaluate`: a model measured by as many measures as are asked for, on its own scenes or on pictures of one's own. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { deviceFor } from "../device.js";
import { DrawingPipeline, type Wanted } from "../drawing.js";
import type { Choice } from "../drawing-choice.js";
import { DreamError } from "../errors.js";
import { readTemplates } from "../evaluate/class-sentences.js";
import { applicability, evaluate as measure } from "../evaluate/evaluate.js";
import { statisticsOf } from "../evaluate/feature-statistics.js";
import { splitFeatures } from "../evaluate/inception-features.js";
import type { Measure, Measurement } from "../evaluate/measurement.js";
import { measureNamed, measureNames, measures } from "../evaluate/measures.js";
import { SharedFeatures } from "../evaluate/shared-features.js";
import { writeStatistics } from "../evaluate/statistics-file.js";
import type { Drawings, Subject } from "../evaluate/subject.js";
import { inUnit } from "../evaluate/units.js";
import { type OpenData, pictureData, sceneData } from "../evaluation-data.js";
import { type JudgeLocations, openJudges } from "../evaluation-judges.js";
import { pictureSide } from "../features/picture-codec.js";
import { writeAtomically } from "../formats/atomic.js";
import type { Picture } from "../formats/images.js";
import { loadModel, type TrainedModel } from "../recipe/model-folder.js";
import { recipeOf } from "../recipe/recipe.js";
import { recipeOfRun } from "../recipe/saved-run.js";
import { timedDrawings, wantedOf } from "../sample-drawings.js";
import { commandLine } from "./command-line.js";
import { deviceOption } from "./device.js";
import { interruption } from "./interruption.js";
import { locateModel } from "./locate-model.js";
import { named } from "./names.js";
import { whole } from "./numbers.js";
import { say, tell } from "./output.js";
import { Progress } from "./progress.js";

interface EvaluateOptions {
  readonly model: string;
  readonly data?: string;
  readonly trainData?: string;
  readonly classes?: string;
  readonly measures?: readonly string[];
  readonly templates?: string;
  readonly segmentation?: string;
  readonly depth?: string;
  readonly inception?: string;
  readonly reference?: string;
  readonly clip?: string;
  readonly encoder?: string;
  readonly keepStatistics?: string;
  readonly samples: number;
  readonly trainSamples: number;
  readonly drawings: number;
  readonly seed: number;
  readonly out?: string;
  readonly device: string;
  readonly json?: boolean;
}

export function addEvaluate(program: Command): void {
  program
    .command("evaluate")
    .description("measure a model: on the scenes of its run, or on pictures of one's own")
    .requiredOption("--model <folder>", "a run's or a model's folder, such as runs/demo")
    .option(
      "--data <location>",
      "pictures to measure on: shards, a folder, or parquet files; a run of scenes has its own",
    )
    .option("--train-data <location>", "pictures with labels that probes learn from")
    .option("--classes <file>", "names of the classes, a line each, in the order of the labels")
    .option(
      "--measures <names>",
      `which, with commas between (${measureNames.join(", ")}); all that can be where left out`,
      named,
    )
    .option("--samples <count>", "pictures to measure on, at most", whole(1), 50_000)
    .option(
      "--train-samples <count>",
      "pictures that probes and fine-tuning learn from, at most",
      whole(1),
      2000,
    )
    .option("--drawings <count>", "captions that are drawn, at most", whole(1), 200)
    .option("--templates <file>", "sentences for classes, a line each, with {} for the name")
    .option("--segmentation <folder>", "ADE20K's images and annotations")
    .option("--depth <folder>", "NYU's pictures and depths")
    .option(
      "--inception <file>",
      "weights of Inception (.safetensors), for FID, inception score, precision and recall",
    )
    .option("--reference <file>", "statistics or pictures (.npz) for FID in the test pictures' place")
    .option("--keep-statistics <file>", "write the test pictures' Inception statistics (.npz)")
    .option("--clip <model>", "a CLIP, or a model of ours, that judges drawings by their captions")
    .option("--encoder <model>", "a DINOv2, or a model of ours, in whose features distances are measured")
    .option("--seed <number>", "of drawings, episodes and probes", whole(0), 0)
    .option("--out <file>", "keep every figure with what it is the mean of, as JSON")
    .addOption(deviceOption())
    .option("--json", "print a line of JSON for each measure")
    .addHelpText(
      "after",
      "\nExample:\n  $ dream evaluate --model runs/demo --measures linear-probe,few-shot,scene-fidelity --json",
    )
    .action(evaluate);
}

async function evaluate(options: EvaluateOptions): Promise<void> {
  const chosen = options.measures?.map(measureNamed) ?? null;
  const stop = interruption(again(options));
  const device = deviceFor(options.device, null);
  const judges = await openJudges(judgesOf(options), locateModel, device);
  const trained = await loadModel(options.model, locateModel, device);
  const opened = await openData(options, trained);
  const progress = new Map<string, Progress>();
  const features = new SharedFeatures(trained, (what, done, all) => {
    stop.signal.throwIfAborted();
    if (!progress.has(what)) progress.set(what, new Progress(what));
    progress.get(what)!.update(done, all);
  });
  const pipeline = new DrawingPipeline(trained);
  try {
    const subject: Subject = {
      ...trained,
      data: opened.data,
      features,
      drawings: drawings(pipeline, opened, options, stop.signal),
      judges,
      seed: options.seed,
    };
    if (options.keepStatistics !== undefined) await keepStatistics(options.keepStatistics, subject);
    const { out } = options;
    const measured = new Map<string, Measurement>();
    await measure(subject, chosen ?? applicable(subject), {
      onBegin: ({ title }) => say(`${title} ...`),
      onMeasured: async (one, measurement, seconds) => {
        measured.set(one.name, measurement);
        if (out !== undefined) await keep(out, options.model, measured);
        sayMeasured(one, measurement, seconds, options.json ?? false);
      },
      signal: stop.signal,
    });
    if (out !== undefined) say(`Kept in ${out}.`);
  } finally {
    stop.release();
    pipeline.dispose();
    await features.dispose();
    await opened.close();
    trained.model.dispose();
  }
}

/** An option as it is typed. */
const dashed = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The command as it was given; what was measured by then is measured again. */
function again({ measures: names, ...options }: EvaluateOptions): string {
  const given = Object.entries(options).map(([name, value]) => [dashed(name), value] as const);
  return commandLine("dream evaluate", { ...Object.fromEntries(given), "--measures": names?.join() });
}

const judgesOf = ({ inception, reference, clip, encoder }: EvaluateOptions): JudgeLocations => ({
  inception: inception ?? null,
  reference: reference ?? null,
  clip: clip ?? null,
  encoder: encoder ?? null,
});

/** A run's own scenes, or what is named. */
function openData(options: EvaluateOptions, trained: TrainedModel): Promise<OpenData> {
  const { model, data, trainData, classes, templates, segmentation, depth } = options;
  const limits = { train: options.trainSamples, test: options.samples };
  if (data !== undefined) {
    const locations = {
      test: data,
      train: trainData ?? null,
      classes: classes === undefined ? null : lines(classes),
      templates: templates === undefined ? null : readTemplates(templates),
      dense: { segmentation: segmentation ?? null, depth: depth ?? null },
    };
    return pictureData(locations, pictureSide(trained), limits);
  }
  const beside = { trainData, classes, templates, segmentation, depth };
  const misplaced = Object.entries(beside).find(([, value]) => value !== undefined)?.[0];
  if (misplaced !== undefined)
    throw new DreamError("usage", {
      operation: "evaluate",
      expected: `--data beside ${dashed(misplaced)}`,
      got: "a run's own scenes",
    });
  const rendering = new Progress("Rendering scenes");
  const reading = new Progress("Reading shards");
  const recipe = recipeOf("scenes", recipeOfRun(model));
  return sceneData(recipe, model, limits, (part, done, all) =>
    (part === "render" ? rendering : reading).update(done, all),
  );
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split(/\r?\n/);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("io", {
      operation: `read ${path}`,
      expected: "names of classes, a line each",
      got,
      cause,
    });
  }
}

/** What can be measured; of the rest it is said what it lacks. */
function applicable(subject: Subject): Measure[] {
  return applicability(measures, subject).flatMap((one) => {
    if (one.kind === "applicable") return one.measure;
    say(`Left out: ${one.measure.name}, which needs ${one.lacks}.`);
    return [];
  });
}

function sayMeasured(one: Measure, measurement: Measurement, seconds: number, json: boolean): void {
  const { value, interval, samples, details } = measurement;
  const within = interval === null ? "" : ` (${inUnit(one, interval.low)} to ${inUnit(one, interval.high)})`;
  say(`${one.title}: ${inUnit(one, value)}${within}, ${samples} samples, ${seconds.toFixed(1)} s`);
  if (json)
    tell({
      measure: one.name,
      value,
      unit: one.unit,
      better: one.better,
      interval,
      samples,
      seconds,
      details,
    });
}

/** Drawings of the first test captions in the model's own way, made when they are first asked for. */
function drawings(
  pipeline: DrawingPipeline,
  { prompts }: OpenData,
  { drawings: most, seed }: EvaluateOptions,
  signal: AbortSignal,
): Subject["drawings"] {
  const { model, drawing } = pipeline.trained;
  const { lossWeights } = model.config;
  if (lossWeights.generative === 0) return null;
  const progress = new Progress("Drawing");
  const choice: Choice =
    lossWeights.contrastive > 0
      ? { kind: "aligned", candidates: drawing.candidates, atFraction: drawing.selectAt }
      : { kind: "plain" };
  const pictures = async function* (wanted: readonly Wanted[]): AsyncGenerator<Picture> {
    for await (const { picture } of pipeline.drawAll(wanted, { choice })) yield picture;
  };
  const draw = async (): Promise<Drawings> => {
    const wanted = wantedOf(await prompts.read(0, Math.min(most, prompts.count)), model, seed);
    return timedDrawings(pictures(wanted), wanted.length, {
      onProgress: (done, all) => progress.update(done, all),
      signal,
    });
  };
  let drawn: Promise<Drawings> | null = null;
  return () => {
    drawn ??= draw();
    return drawn;
  };
}

/** Every figure so far, with its outcomes. */
async function keep(path: string, model: string, measured: ReadonlyMap<string, Measurement>): Promise<void> {
  const text = `${JSON.stringify({ model, measures: Object.fromEntries(measured) }, null, 1)}\n`;
  await writeAtomically(path, (file) => file.writeFile(text));
}

/** What FID holds drawings against, for others to do so. */
async function keepStatistics(path: string, { judges, data }: Subject): Promise<void> {
  if (judges.inception === null)
    throw new DreamError("usage", {
      operation: "keep statistics",
      expected: "--inception beside --keep-statistics",
      got: "none",
    });
  await writeStatistics(path, statisticsOf(await splitFeatures(judges.inception, data.test)));
  say(`Kept in ${path}.`);
}
