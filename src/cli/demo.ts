/** @file `dream demo`: scenes, training and drawing on this machine, in minutes, without a download. */
import { join } from "node:path";
import type { Command } from "commander";
import { type DemoHooks, type DemoOutcome, runDemo } from "../demo/demo.js";
import { quickPlan, standardPlan } from "../demo/plan.js";
import type { Fidelity } from "../evaluate/fidelity.js";
import { attributes } from "../evaluate/fidelity.js";
import { type Cell, writeGrid } from "../formats/picture-grid.js";
import { readRecipe, recipeOf } from "../recipe/recipe.js";
import type { JudgedDrawing } from "../report/demo-story.js";
import { engineVersion, threadCount } from "../tensor/index.js";
import { interruption } from "./interruption.js";
import { positive } from "./numbers.js";
import { say, tell } from "./output.js";
import { clock, Progress } from "./progress.js";
import { describeStep, sayDamaged } from "./train-watch.js";

interface DemoOptions {
  readonly out?: string;
  readonly minutes?: number;
  readonly quick?: boolean;
  readonly json?: boolean;
}

export function addDemo(program: Command): void {
  program
    .command("demo")
    .description(
      "train a small DREAM on scenes rendered here, draw captions that it never saw, and judge the drawings",
    )
    .option("--out <folder>", "where the run is kept; an interrupted run goes on there (default: runs/demo)")
    .option("--minutes <M>", "minutes of training (default: the recipe's steps)", positive)
    .option("--quick", "the same road in under two minutes, hardly trained, in runs/demo-quick")
    .option("--json", "print the summary as one line of JSON")
    .addHelpText("after", "\nExample:\n  $ dream demo --minutes 5 --out runs/short")
    .action(demo);
}

async function demo({ out, minutes, quick, json }: DemoOptions): Promise<void> {
  const run = out ?? (quick ? "runs/demo-quick" : "runs/demo");
  const recipe = recipeOf("scenes", readRecipe("scenes-nano"));
  const plan = quick ? quickPlan(recipe) : standardPlan(recipe);
  say(`DREAM on libtorch ${engineVersion()}, ${threadCount()} threads. Everything goes to ${run}.`);
  const given = [
    out === undefined ? "" : ` --out ${out}`,
    minutes === undefined ? "" : ` --minutes ${minutes}`,
  ];
  const stop = interruption(`dream demo${quick ? " --quick" : ""}${given.join("")}`);
  const outcome = await runDemo(run, plan, minutes ?? null, hooksFor(stop.signal));
  stop.release();
  if (outcome.kind === "stopped") return stop.finish(outcome.nextStep);
  await report(run, outcome);
  if (json) tell(outcome.summary);
}

function hooksFor(signal: AbortSignal): DemoHooks {
  const rendering = new Progress("Rendering scenes");
  const reading = new Progress("Reading shards");
  const training = new Progress("Training");
  const drawing = new Progress("Drawing and judging");
  return {
    onPrepare: (part, done, all) => (part === "render" ? rendering : reading).update(done, all),
    onStart: (firstStep, steps, { train, heldOutTable, codec }, damaged) => {
      sayDamaged(damaged);
      say(
        `${train.count} scenes to learn from, ${heldOutTable.count} of combinations kept back. ${codec.description}.`,
      );
      if (firstStep >= steps) say("Trained already.");
      else if (firstStep > 0) say(`Going on from step ${firstStep}.`);
    },
    onStep: (entry, steps) => training.update(entry.step + 1, steps, describeStep(entry)),
    onMoment: (folder) => say(`Pictures on the way: ${folder}`),
    onDraw: (done, all) => drawing.update(done, all),
    signal,
  };
}

async function report(run: string, { story }: Extract<DemoOutcome, { kind: "finished" }>): Promise<void> {
  const { fidelity, zeroShot } = story;
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const line = (name: string, { allCorrect, attributes: by }: Fidelity): string =>
    `  ${name.padEnd(16)}${percent(allCorrect).padStart(6)} all right   ${attributes.map((one) => `${one} ${percent(by[one])}`).join("  ")}`;
  say(`${fidelity.sad.samples} drawings of combinations that it never saw, read back from their pixels:`);
  say(line("plain decoding", fidelity.plain));
  say(line("SAD", fidelity.sad));
  say(`Naming pictures among ${story.classes} sentences, by share of tokens hidden:`);
  say(
    `  ${zeroShot.map(({ masked, accuracy }) => `${percent(masked)} hidden: ${percent(accuracy)}`).join("   ")}`,
  );
  await writeGrid(join(run, "drawings.png"), rowsOf(fidelity.drawings.slice(0, 48), 12), 2);
  await writeGrid(
    join(run, "choices.png"),
    story.choices.map(({ halfDrawn, chosen, finished, plain }) => [
      ...halfDrawn.map((picture, k) => ({ picture, framed: k === chosen })),
      null,
      { picture: finished },
      null,
      { picture: plain },
    ]),
    3,
  );
  say(`Done in ${clock(story.seconds)}. Open ${join(run, "report.html")}; draw more with`);
  say(`  npx dream generate --model ${run} --prompt "${story.momentPrompts[0]}" -n 4`);
}

function rowsOf(drawings: readonly JudgedDrawing[], perRow: number): Cell[][] {
  return Array.from({ length: Math.ceil(drawings.length / perRow) }, (_, row) =>
    drawings.slice(row * perRow, (row + 1) * perRow),
  );
}
