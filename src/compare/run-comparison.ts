/**
 * @file A comparison from nothing to its figures: every system trained alike, drawn with and measured alike. Whatever is done is kept, and
 * the next call goes on there.
 */
import { join } from "node:path";
import { DrawingPipeline } from "../drawing.js";
import { evaluate, requireApplicable } from "../evaluate/evaluate.js";
import type { Measure, Measurement } from "../evaluate/measurement.js";
import { measureNamed } from "../evaluate/measures.js";
import { ownPairJudge, ownPictureJudge } from "../evaluate/own-judges.js";
import { SharedFeatures } from "../evaluate/shared-features.js";
import type { Drawings, EvaluationData, PictureJudge, Subject } from "../evaluate/subject.js";
import { sceneSplits } from "../evaluation-data.js";
import { thisMachine } from "../machine.js";
import { loadModel, localModel, type TrainedModel } from "../recipe/model-folder.js";
import { recipeHash, stepsOf } from "../recipe/recipe.js";
import { prepareScenes, type SceneData, type Watch } from "../recipe/scenes-data.js";
import { timedDrawings, wantedOf } from "../sample-drawings.js";
import type { JournalEntry } from "../train/journal.js";
import type { Comparison, System } from "./comparison.js";
import { decoded } from "./decode.js";
import { keepDrawings } from "./kept-drawings.js";
import { kept, readResult, type SystemResult, writeResult } from "./results.js";
import { isTrained, runFolder, seeded, trainingSeconds, trainSystem } from "./train-system.js";

/** What is going on, for whoever watches. */
export interface ComparisonHooks {
  readonly onPrepare: Watch;
  readonly onTrain: (system: System, seed: number, firstStep: number, stepCount: number) => void;
  readonly onStep: (entry: JournalEntry, stepCount: number) => void;
  readonly onDraw: (system: System, decoder: string, done: number, all: number) => void;
  readonly onMeasured: (
    system: System,
    decoder: string | null,
    measure: Measure,
    measured: Measurement,
  ) => void;
  /** Ends the work; training is saved, and what is measured by then stays. */
  readonly signal: AbortSignal;
}

export interface ComparisonRun {
  readonly folder: string;
  /** The first is that of systems which are trained once, and of judges. */
  readonly seeds: readonly [number, ...number[]];
  /** The package's version and commit, kept with the figures. */
  readonly madeBy: string;
}

/** @returns `stopped` where the signal ended it; what is done is kept @throws DreamError where the folder holds another comparison's runs */
export async function runComparison(
  comparison: Comparison,
  run: ComparisonRun,
  hooks: ComparisonHooks,
): Promise<"finished" | "stopped"> {
  const { folder, seeds } = run;
  let work: Work | null = null;
  try {
    const data = await prepareScenes(comparison.systems[0]!.recipe, join(folder, "data"), {
      watch: hooks.onPrepare,
      locate: localModel,
      signal: hooks.signal,
    });
    work = new Work(comparison, run, data, hooks);
    for (const seed of seeds) {
      const systems = comparison.systems.filter((one) => one.seeds === "all" || seed === seeds[0]);
      for (const system of systems) if (!(await work.train(system, seed))) return "stopped";
      for (const system of systems) await work.measure(system, seed);
    }
    return "finished";
  } catch (error) {
    if (hooks.signal.aborted) return "stopped";
    throw error;
  } finally {
    work?.dispose();
  }
}

class Work {
  readonly #comparison: Comparison;
  readonly #run: ComparisonRun;
  readonly #data: SceneData;
  readonly #hooks: ComparisonHooks;
  readonly #splits: EvaluationData;
  /** Systems that judge or rerank others. */
  readonly #others = new Map<string, TrainedModel>();

  constructor(comparison: Comparison, run: ComparisonRun, data: SceneData, hooks: ComparisonHooks) {
    this.#comparison = comparison;
    this.#run = run;
    this.#data = data;
    this.#hooks = hooks;
    const { probe } = comparison.samples;
    const { level } = comparison.systems[0]!.recipe.data;
    this.#splits = sceneSplits(data, level, { train: probe, test: data.heldOut.length });
    this.#requireMeasurable();
  }

  /** @throws DreamError `value` before anything is trained, naming measures that a comparison cannot make */
  #requireMeasurable(): void {
    const measures = this.#comparison.measures.map(measureNamed);
    const untrained = (): never => {
      throw new Error("internal: asked before it is trained");
    };
    const encoder = { name: this.#comparison.judge, features: untrained };
    for (const kind of ["understanding", "drawings"] as const)
      requireApplicable(
        measures.filter(({ of }) => of === kind),
        {
          data: this.#splits,
          drawings: kind === "drawings" ? untrained : null,
          judges: { inception: null, reference: null, encoder, pairs: null },
        },
      );
  }

  /** @returns whether the training has come to its end */
  async train(system: System, seed: number): Promise<boolean> {
    const { folder } = this.#run;
    if (isTrained(folder, system, seed)) return true;
    const { onTrain, onStep, signal } = this.#hooks;
    return trainSystem(folder, system, seed, this.#data, {
      onStart: (firstStep, stepCount) => onTrain(system, seed, firstStep, stepCount),
      onStep,
      signal,
    });
  }

  /** What is not measured yet of a trained system. */
  async measure(system: System, seed: number): Promise<void> {
    const { folder } = this.#run;
    let result = this.#resultOf(system, seed);
    const open = [null, ...system.decoders].filter((decoder) => this.#missing(result, decoder).length > 0);
    if (open.length === 0) return;
    const trained = await loadModel(runFolder(folder, system.name, seed));
    const features = new SharedFeatures(trained);
    const pipeline = new DrawingPipeline(trained);
    try {
      for (const decoder of open) {
        const drawings = decoder === null ? null : this.#drawings(system, seed, decoder, pipeline);
        const subject: Subject = {
          ...trained,
          data: this.#splits,
          features,
          drawings,
          judges: { inception: null, reference: null, encoder: await this.#judge(), pairs: null },
          seed,
        };
        await evaluate(subject, this.#missing(result, decoder), {
          onBegin: () => {},
          onMeasured: async (measure, measured) => {
            result = withMeasurement(result, decoder, measure, measured);
            await writeResult(folder, result);
            this.#hooks.onMeasured(system, decoder, measure, measured);
          },
          signal: this.#hooks.signal,
        });
      }
    } finally {
      pipeline.dispose();
      await features.dispose();
      trained.model.dispose();
    }
  }

  dispose(): void {
    for (const { model } of this.#others.values()) model.dispose();
  }

  /** What is known so far; nothing where it is of another recipe. */
  #resultOf(system: System, seed: number): SystemResult {
    const { folder, madeBy } = this.#run;
    const recipe = seeded(system, seed);
    const known = readResult(folder, system.name, seed);
    if (known !== null && known.recipeHash === recipeHash(recipe)) return known;
    const { processor, cores } = thisMachine();
    return {
      comparison: this.#comparison.name,
      system: system.name,
      seed,
      recipeHash: recipeHash(recipe),
      steps: stepsOf(recipe, this.#data.train.count),
      trainingSeconds: trainingSeconds(folder, system.name, seed),
      machine: `${processor}, ${cores} cores`,
      madeBy,
      understanding: {},
      drawings: {},
    };
  }

  #missing(result: SystemResult, decoder: string | null): Measure[] {
    const there = decoder === null ? result.understanding : (result.drawings[decoder] ?? {});
    return this.#comparison.measures
      .map(measureNamed)
      .filter(({ name, of }) => (of === "drawings") === (decoder !== null) && !(name in there));
  }

  /** Drawn when first asked for, with a grid of the first ones kept. */
  #drawings(system: System, seed: number, name: string, pipeline: DrawingPipeline): () => Promise<Drawings> {
    const decoder = this.#comparison.decoders[name]!;
    const draw = async (): Promise<Drawings> => {
      const reranker =
        decoder.kind === "reranked" ? ownPairJudge(decoder.by, await this.#other(decoder.by)) : null;
      const samples = this.#data.heldOut.slice(0, this.#comparison.samples.drawings);
      const wanted = wantedOf(samples, pipeline.trained.model, seed);
      const drawings = await timedDrawings(decoded(pipeline, decoder, wanted, reranker), wanted.length, {
        onProgress: (done, all) => this.#hooks.onDraw(system, name, done, all),
        signal: this.#hooks.signal,
      });
      await keepDrawings(this.#run.folder, `${system.name}-${name}-${seed}`, drawings);
      return drawings;
    };
    let drawn: Promise<Drawings> | null = null;
    return () => {
      drawn ??= draw();
      return drawn;
    };
  }

  async #judge(): Promise<PictureJudge> {
    const { judge } = this.#comparison;
    return ownPictureJudge(judge, await this.#other(judge));
  }

  /** Another system, trained at the first seed. */
  async #other(name: string): Promise<TrainedModel> {
    let other = this.#others.get(name);
    if (other === undefined) {
      other = await loadModel(runFolder(this.#run.folder, name, this.#run.seeds[0]));
      this.#others.set(name, other);
    }
    return other;
  }
}

function withMeasurement(
  result: SystemResult,
  decoder: string | null,
  { name }: Measure,
  measured: Measurement,
): SystemResult {
  const one = { [name]: kept(measured) };
  if (decoder === null) return { ...result, understanding: { ...result.understanding, ...one } };
  const before = result.drawings[decoder] ?? {};
  return { ...result, drawings: { ...result.drawings, [decoder]: { ...before, ...one } } };
}
