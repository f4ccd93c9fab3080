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
import type { Drawings, EvaluationData, Judges, Subject } from "../evaluate/subject.js";
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
import { isTrained, runFolder, seeded, trainingSeconds } from "./system-run.js";
import { type Training, trainAtOnce } from "./train-at-once.js";

/** A system as one of its seeds makes it. */
export interface SeededSystem {
  readonly system: System;
  readonly seed: number;
}

/** What it is called among others. */
export const titleOf = ({ system, seed }: SeededSystem): string => `${system.title}, seed ${seed}`;

/** What is going on, for whoever watches. */
export interface ComparisonHooks {
  readonly onPrepare: Watch;
  /** Told what is to be trained, side by side, before any of it begins. */
  readonly onTrain: (systems: readonly SeededSystem[], stepCount: number) => void;
  readonly onStart: (system: SeededSystem, firstStep: number) => void;
  readonly onStep: (system: SeededSystem, entry: JournalEntry) => void;
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
  /** Which are wanted, by name; systems that judge or rerank these are trained with them. */
  readonly systems: readonly string[];
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
    const wanted = comparison.systems.filter(({ name }) => run.systems.includes(name));
    const of = (which: System["seeds"]): System[] => wanted.filter((one) => one.seeds === which);
    // What every seed has comes first: it carries the claims.
    const rounds = seeds.map((seed) => ({ systems: of("all"), seed }));
    for (const { systems, seed } of [...rounds, { systems: of("first"), seed: seeds[0] }]) {
      const open = systems.filter((system) => work!.isOpen(system, seed));
      if (open.length === 0) continue;
      if (!(await work.train(work.neededFor(open, seed)))) return "stopped";
      for (const system of open) await work.measure(system, seed);
    }
    return "finished";
  } catch (error) {
    if (hooks.signal.aborted) return "stopped";
    throw error;
  } finally {
    work?.dispose();
  }
}

const noJudges: Judges = { inception: null, reference: null, encoder: null, pairs: null };

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
    const { judge } = this.#comparison;
    const judges: Judges = {
      ...noJudges,
      encoder: { name: judge, features: untrained },
      pairs: { name: judge, scores: untrained },
    };
    for (const kind of ["understanding", "drawings"] as const)
      requireApplicable(
        measures.filter(({ of }) => of === kind),
        { data: this.#splits, drawings: kind === "drawings" ? untrained : null, judges },
      );
  }

  /** Whether something of a system is still to be measured. */
  isOpen(system: System, seed: number): boolean {
    return this.#openDecoders(system, this.#resultOf(system, seed)).length > 0;
  }

  /** What has to be trained before some systems can be measured: themselves, and who judges and reranks them. */
  neededFor(systems: readonly System[], seed: number): SeededSystem[] {
    const { judge, decoders, systems: all } = this.#comparison;
    const used = systems.flatMap((system) => system.decoders.map((decoder) => decoders[decoder]!));
    const others = new Set([judge, ...used.flatMap((one) => (one.kind === "reranked" ? one.by : []))]);
    const first = this.#run.seeds[0];
    return [
      ...systems.map((system) => ({ system, seed })),
      ...all
        .filter(
          ({ name }) => others.has(name) && !(seed === first && systems.some((one) => one.name === name)),
        )
        .map((system) => ({ system, seed: first })),
    ].filter(({ system, seed }) => !isTrained(this.#run.folder, system, seed));
  }

  /** @returns whether all trainings have come to their ends */
  async train(untrained: readonly SeededSystem[]): Promise<boolean> {
    if (untrained.length === 0) return true;
    const { folder } = this.#run;
    const { onTrain, onStart, onStep, signal } = this.#hooks;
    onTrain(untrained, this.#stepsOf(untrained[0]!.system));
    const trainings = untrained.map((one): Training & SeededSystem => ({
      ...one,
      title: titleOf(one),
      order: {
        recipe: seeded(one.system, one.seed),
        run: runFolder(folder, one.system.name, one.seed),
        data: join(folder, "data"),
      },
    }));
    return trainAtOnce(trainings, { onStart, onStep, signal });
  }

  /** The same for all systems. */
  #stepsOf({ recipe }: System): number {
    return stepsOf(recipe, this.#data.train.count);
  }

  /** What is not measured yet of a trained system. */
  async measure(system: System, seed: number): Promise<void> {
    const { folder } = this.#run;
    let result = this.#resultOf(system, seed);
    const trained = await loadModel(runFolder(folder, system.name, seed));
    const features = new SharedFeatures(trained);
    const pipeline = new DrawingPipeline(trained);
    try {
      for (const decoder of this.#openDecoders(system, result)) {
        const drawings = decoder === null ? null : this.#drawings(system, seed, decoder, pipeline);
        const subject: Subject = {
          ...trained,
          data: this.#splits,
          features,
          drawings,
          judges: await this.#judges(),
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
      steps: this.#stepsOf(system),
      trainingSeconds: trainingSeconds(folder, system.name, seed),
      machine: `${processor}, ${cores} cores`,
      madeBy,
      understanding: {},
      drawings: {},
    };
  }

  /** Where something is missing: in a decoder's drawings, or, null, in what the model understands. */
  #openDecoders({ decoders }: System, result: SystemResult): (string | null)[] {
    return [null, ...decoders].filter((decoder) => this.#missing(result, decoder).length > 0);
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

  async #judges(): Promise<Judges> {
    const { judge } = this.#comparison;
    const other = await this.#other(judge);
    return { ...noJudges, encoder: ownPictureJudge(judge, other), pairs: ownPairJudge(judge, other) };
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
