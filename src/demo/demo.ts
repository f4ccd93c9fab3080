/**
 * @file The demo from nothing to its page: scenes, training with pictures on the way, drawings judged, understanding measured. An
 * interrupted demo goes on where it stopped.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DrawingPipeline } from "../drawing.js";
import { readerFidelity } from "../evaluate/fidelity.js";
import { writeAtomically } from "../formats/atomic.js";
import { thisMachine } from "../machine.js";
import { averagedModel, loadModel, localModel } from "../recipe/model-folder.js";
import { type RecipeOf, recipeHash, stepsOf, stretched } from "../recipe/recipe.js";
import { runRecipe } from "../recipe/run.js";
import { prepareScenes, type SceneData, type Watch } from "../recipe/scenes-data.js";
import { demoPage } from "../report/demo-page.js";
import type { DemoStory } from "../report/demo-story.js";
import type { DamagedCheckpoint } from "../train/checkpoint-reader.js";
import { Journal, type JournalEntry } from "../train/journal.js";
import { choiceStories } from "./choices.js";
import { fidelityTable } from "./fidelity-table.js";
import { keepMoment, readMoments } from "./moments.js";
import { stepsWithin } from "./pace.js";
import type { DemoPlan } from "./plan.js";
import { judgedPrompts, shownPrompts } from "./prompts.js";
import { nameWhileHidden, searchPictures } from "./understanding.js";

/** What is going on, for whoever watches. */
export interface DemoHooks {
  readonly onPrepare: Watch;
  readonly onStart: (
    firstStep: number,
    stepCount: number,
    data: SceneData,
    damaged: readonly DamagedCheckpoint[],
  ) => void;
  readonly onStep: (entry: JournalEntry, stepCount: number) => void;
  /** Told of a folder of pictures drawn on the way. */
  readonly onMoment: (folder: string) => void;
  readonly onDraw: (done: number, all: number) => void;
  /** Training that it stops is saved; whatever else it stops ends with its reason, and is done again the next time. */
  readonly signal: AbortSignal;
}

export type DemoOutcome =
  | { readonly kind: "finished"; readonly story: DemoStory; readonly summary: DemoSummary }
  | { readonly kind: "stopped"; readonly nextStep: number };

/** Sentences that are drawn at each moment, and those whose choices are shown. */
const momentPrompts = shownPrompts(6);
const choicePrompts = shownPrompts(4);
/** Sentences for the search, some of which say only a part. */
const searches = [
  "a red circle",
  "a tiny purple triangle",
  "a triangle over stripes",
  "a large blue square over dots at the lower right",
];
const foundPictures = 6;
const readerSamples = 540;
const readerStream = 0xead;

/**
 * @param minutes of training; the recipe's own number of steps where null
 * @throws DreamError where the folder holds another run, the disk is full, or training goes astray
 */
export async function runDemo(
  run: string,
  plan: DemoPlan,
  minutes: number | null,
  hooks: DemoHooks,
): Promise<DemoOutcome> {
  const started = performance.now();
  const data = await prepareScenes(plan.recipe, join(run, "data"), {
    watch: hooks.onPrepare,
    locate: localModel,
    signal: hooks.signal,
  });
  const recipe = minutes === null ? plan.recipe : await paced(run, plan.recipe, data, minutes);
  const stepCount = stepsOf(recipe, data.train.count);
  const moments = new Set(plan.moments.map((share) => Math.max(1, Math.round(share * stepCount))));
  const { trainer, nextStep } = await runRecipe(recipe, run, data, {
    onStart: (firstStep, _, damaged) => hooks.onStart(firstStep, stepCount, data, damaged),
    onStep: async (entry, trainer) => {
      hooks.onStep(entry, stepCount);
      const done = entry.step + 1;
      if (!moments.has(done)) return;
      const averaged = averagedModel(trainer, data, recipe);
      await keepMoment(run, done, averaged, momentPrompts);
      averaged.model.dispose();
      hooks.onMoment(join(run, "moments"));
    },
    signal: hooks.signal,
  });
  trainer.dispose();
  trainer.model.dispose();
  if (nextStep < stepCount) return { kind: "stopped", nextStep };
  const story = await lookBack(run, plan, recipe, data, hooks, started);
  const summary = summaryOf(story);
  await write(join(run, "report.html"), await demoPage(story));
  await write(join(run, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
  return { kind: "finished", story, summary };
}

/** Everything that is measured after training. */
async function lookBack(
  run: string,
  plan: DemoPlan,
  recipe: RecipeOf<"scenes">,
  data: SceneData,
  { onDraw, signal }: DemoHooks,
  started: number,
): Promise<DemoStory> {
  const trained = await loadModel(run);
  const pipeline = new DrawingPipeline(trained);
  const fidelity = await fidelityTable(
    pipeline,
    judgedPrompts(plan.samples),
    plan,
    join(run, "samples"),
    onDraw,
    signal,
  );
  const { curve, pictures } = nameWhileHidden(trained, plan.picturesPerClass);
  const journal = new Journal(join(run, "metrics.jsonl")).read();
  const { sizePixels } = recipe.data;
  const story: DemoStory = {
    machine: thisMachine(),
    recipe: {
      name: recipe.name,
      hash: recipeHash(recipe),
      seed: recipe.seed,
      guidance: recipe.drawing.guidance.scale,
      minimumVisible: recipe.model.contrastive.minimumVisible,
      minimumMasked: recipe.model.minimumMasked,
    },
    parameters: trained.model
      .parameters()
      .reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0),
    trainingScenes: data.train.count,
    steps: stepsOf(recipe, data.train.count),
    trainSeconds: journal.reduce((sum, { seconds }) => sum + seconds, 0),
    journal,
    momentPrompts: momentPrompts.map(({ caption }) => caption),
    moments: await readMoments(run, momentPrompts),
    choices: choiceStories(pipeline, choicePrompts),
    fidelity,
    readerError: 1 - readerFidelity(sizePixels, readerSamples, readerStream, "train").allCorrect,
    readerSamples,
    zeroShot: curve,
    classes: 540,
    zeroShotPictures: pictures,
    search: searchPictures(trained, data.heldOut, searches, foundPictures),
    seconds: (performance.now() - started) / 1000,
  };
  pipeline.dispose();
  trained.model.dispose();
  return story;
}

/** The figures of a demo, for programs. Rates are shares, 0..1. */
export type DemoSummary = ReturnType<typeof summaryOf>;

function summaryOf({ fidelity, zeroShot, readerError, ...story }: DemoStory) {
  const counted = ({ allCorrect, attributes }: DemoStory["fidelity"]["plain"]) => ({
    allCorrect,
    attributes,
  });
  return {
    seconds: story.seconds,
    trainSeconds: story.trainSeconds,
    parameters: story.parameters,
    steps: story.steps,
    heldOut: {
      plain: counted(fidelity.plain),
      sad: counted(fidelity.sad),
      sadMinusPlain: fidelity.sadGain,
      samples: fidelity.sad.samples,
      readerError,
    },
    sadTable: fidelity.cells.map(({ candidates, atFraction, fidelity: { allCorrect }, gain }) => ({
      candidates,
      atFraction,
      allCorrect,
      minusPlain: gain,
    })),
    zeroShot,
    recipe: story.recipe,
    machine: story.machine,
  };
}

/**
 * The recipe stretched to so many minutes. How many steps that is on this machine is measured once and kept with the run, so that a
 * resumed run is the same run.
 */
async function paced(
  run: string,
  recipe: RecipeOf<"scenes">,
  data: SceneData,
  minutes: number,
): Promise<RecipeOf<"scenes">> {
  const path = join(run, "pace.json");
  if (existsSync(path)) {
    const kept = JSON.parse(readFileSync(path, "utf8")) as { minutes: number; steps: number };
    if (kept.minutes === minutes) return stretched(recipe, data.train.count, kept.steps);
  }
  const steps = stepsWithin(minutes, recipe, data);
  await write(path, `${JSON.stringify({ minutes, steps })}\n`);
  return stretched(recipe, data.train.count, steps);
}

async function write(path: string, text: string): Promise<void> {
  await writeAtomically(path, (file) => file.writeFile(text));
}
