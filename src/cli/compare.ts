/** @file `dream compare`: systems trained alike, drawn with and measured alike, and what the paper claims held against it. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Command } from "commander";
import { checkSystems, comparisonNames, readComparison } from "../compare/comparison.js";
import { comparisonPage } from "../compare/comparison-page.js";
import { type Findings, findingsOf } from "../compare/findings.js";
import { findingsMarkdown } from "../compare/markdown.js";
import { readResults } from "../compare/results.js";
import { type ComparisonHooks, runComparison, titleOf } from "../compare/run-comparison.js";
import { inUnit } from "../evaluate/units.js";
import { writeAtomically } from "../formats/atomic.js";
import { thisMachine } from "../machine.js";
import { packageRoot } from "../tensor/index.js";
import type { JournalEntry } from "../train/journal.js";
import { commandLine } from "./command-line.js";
import { interruption } from "./interruption.js";
import { named } from "./names.js";
import { minutes, whole } from "./numbers.js";
import { say, tell } from "./output.js";
import { Progress } from "./progress.js";

interface CompareOptions {
  readonly out: string;
  readonly systems?: string[];
  readonly budget?: number;
  readonly seeds: number;
  readonly json?: boolean;
}

export function addCompare(program: Command): void {
  program
    .command("compare")
    .description(
      "train the systems of a comparison alike, measure them alike, and say which of the paper's claims held; goes on where it stopped",
    )
    .argument(
      "<comparison>",
      `a comparison's name (${comparisonNames().join(", ")}) or a folder of one's own`,
    )
    .requiredOption("--out <folder>", "where runs, results and the report are kept")
    .option(
      "--budget <time>",
      "how long this call may work before it saves and ends, such as 50m or 2h",
      minutes,
    )
    .option(
      "--systems <names>",
      "which systems, separated by commas, with those that judge and rerank them (default: all)",
      named,
    )
    .option("--seeds <count>", "seeds to train with, from 1 on", whole(1), 1)
    .option("--json", "print the findings as one line of JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ dream compare miniature --budget 60m --seeds 1 --out runs/miniature",
    )
    .action(compare);
}

async function compare(named: string, { out, systems, budget, seeds, json }: CompareOptions): Promise<void> {
  const comparison = readComparison(named);
  if (systems !== undefined) checkSystems(comparison, systems);
  const resume = commandLine("dream compare", {
    ...{
      "--out": out,
      "--systems": systems?.join(","),
      "--budget": budget === undefined ? undefined : `${budget}m`,
      "--seeds": seeds,
      "--json": json,
    },
  }).replace("dream compare", `dream compare ${named}`);
  const stop = interruption(resume);
  const spent = new AbortController();
  const timer =
    budget === undefined
      ? undefined
      : setTimeout(() => spent.abort(new Error("the budget is spent")), budget * 60_000);
  const outcome = await runComparison(
    comparison,
    {
      folder: out,
      systems: systems ?? comparison.systems.map(({ name }) => name),
      seeds: Array.from({ length: seeds }, (_, i) => i + 1) as [number, ...number[]],
      madeBy: madeBy(),
    },
    hooksFor(AbortSignal.any([stop.signal, spent.signal])),
  );
  clearTimeout(timer);
  stop.release();
  stop.signal.throwIfAborted();
  const findings = findingsOf(comparison, readResults(out));
  await writeReport(out, findings);
  if (outcome === "stopped") say(`The budget is spent; what is done is kept. To go on: ${resume}`);
  say(findingsMarkdown(findings));
  say(`Report: ${join(out, "report.html")}`);
  if (json) tell({ finished: outcome === "finished", ...summaryOf(findings) });
}

function hooksFor(signal: AbortSignal): ComparisonHooks {
  const rendering = new Progress("Rendering scenes");
  const reading = new Progress("Reading shards");
  let training: TrainingProgress;
  let drawing = new Progress("Drawing");
  let drawn = "";
  return {
    onPrepare: (part, done, all) => (part === "render" ? rendering : reading).update(done, all),
    onTrain: (systems, stepCount) => {
      say(`Training ${systems.map(titleOf).join("; ")}: ${stepCount} steps each.`);
      training = new TrainingProgress(systems.length, stepCount);
    },
    onStart: (system, firstStep) => {
      if (firstStep > 0) say(`${titleOf(system)}: going on from step ${firstStep}.`);
    },
    onStep: (system, entry) => training.update(titleOf(system), entry),
    onDraw: ({ title }, decoder, done, all) => {
      const label = `Drawing with ${title}, ${decoder}`;
      if (label !== drawn) [drawing, drawn] = [new Progress(label), label];
      drawing.update(done, all);
    },
    onMeasured: ({ title }, decoder, measure, { value }) =>
      say(`${title}${decoder === null ? "" : `, ${decoder}`}: ${measure.title} ${inUnit(measure, value)}`),
    signal,
  };
}

/** How far systems are that train side by side: their steps together, and where each of those under way is. */
class TrainingProgress {
  readonly #line = new Progress("Training");
  readonly #systems: number;
  readonly #steps: number;
  readonly #newest = new Map<string, JournalEntry>();

  /** @param systems how many @param steps of each */
  constructor(systems: number, steps: number) {
    this.#systems = systems;
    this.#steps = steps;
  }

  update(title: string, entry: JournalEntry): void {
    this.#newest.set(title, entry);
    const newest = [...this.#newest];
    const done = newest.reduce((sum, [, { step }]) => sum + step + 1, 0);
    const underWay = newest.filter(([, { step }]) => step + 1 < this.#steps);
    const detail = underWay.map(([name, one]) => describeBriefly(name, one)).join("; ");
    this.#line.update(done, this.#systems * this.#steps, detail);
  }
}

function describeBriefly(title: string, { step, generativeLoss, contrastiveLoss }: JournalEntry): string {
  return `${title} ${step + 1}: generative ${generativeLoss.toFixed(3)} contrastive ${contrastiveLoss.toFixed(3)}`;
}

/** The package's version, and the commit where it is run from a repository. */
function madeBy(): string {
  const { version } = thisMachine();
  try {
    const git = (...words: string[]): string =>
      execFileSync("git", ["-C", packageRoot(), ...words], { stdio: ["ignore", "pipe", "ignore"] })
        .toString()
        .trim();
    const changed = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : " and changes";
    return `${version} at ${git("rev-parse", "--short=12", "HEAD")}${changed}`;
  } catch {
    return version;
  }
}

async function writeReport(out: string, findings: Findings): Promise<void> {
  const write = (name: string, text: string): Promise<void> =>
    writeAtomically(join(out, name), (file) => file.writeFile(text));
  await write("report.md", findingsMarkdown(findings));
  await write("report.json", `${JSON.stringify(summaryOf(findings), null, 2)}\n`);
  await write("report.html", comparisonPage(findings, out));
}

function summaryOf({ comparison, tables, claims }: Findings) {
  return {
    comparison: comparison.name,
    figures: tables.map(({ measure, rows }) => ({
      measure: measure.name,
      unit: measure.unit,
      better: measure.better,
      rows: rows.map(({ row, figure }) => ({ system: row.system, decoder: row.decoder, ...figure })),
    })),
    claims: claims.map(({ claim, verdict }) => ({ ...claim, verdict })),
  };
}
