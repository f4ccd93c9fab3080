/**
 * @file `npm run bench -- NAME [--case CASE] [--device cuda] [--check] [--json]`: a row for each case, ours beside the peer's, measured in turns in one run.
 * Example: `npm run bench -- engine --case matmul-f32 --json`
 */
import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import { DreamError, unknownName } from "../src/errors.js";
import { setThreadCount } from "../src/tensor/index.js";
import { costSentence, measureCosts } from "./costs.js";
import { dataCases, finishData, prepareData } from "./data.js";
import { engineCases } from "./engine.js";
import { finishDrawing, generateCases, prepareDrawing } from "./generate.js";
import { checkDrawing } from "./generate-check.js";
import { type Peer, startPeer } from "./peer.js";
import { measureQuality, qualitySentence, wayNames } from "./quality.js";
import { type BenchCase, type BenchRow, measureRow } from "./rows.js";
import { demoSearch, searchSentence } from "./search.js";
import { measureServing, servingCases, servingSentence } from "./serve.js";
import { finishTraining, prepareTraining, trainCases } from "./train.js";
import { checkTraining } from "./train-check.js";

interface Bench {
  readonly cases: readonly BenchCase[];
  /** Its script, and what a person installs for it. */
  readonly peer: { readonly script: string; readonly install: string };
  /** Makes data; the peer is told what it gives back. */
  readonly prepare?: () => Promise<readonly string[]>;
  readonly finish?: () => void | Promise<void>;
  /** Whether both sides compute the same; a line for each quantity. */
  readonly check?: (peer: Extract<Peer, { kind: "ready" }>) => Promise<readonly string[]>;
}

const benches: Readonly<Record<string, Bench>> = {
  engine: {
    cases: engineCases,
    peer: { script: "engine.py", install: "apt-get install python3-torch libopenblas0-openmp" },
  },
  data: {
    cases: dataCases,
    peer: { script: "data.py", install: "apt-get install python3-pil" },
    prepare: prepareData,
    finish: finishData,
  },
  train: {
    cases: trainCases,
    peer: { script: "train.py", install: "apt-get install python3-torch libopenblas0-openmp" },
    prepare: prepareTraining,
    finish: finishTraining,
    check: checkTraining,
  },
  generate: {
    cases: generateCases,
    peer: { script: "generate.py", install: "apt-get install python3-torch libopenblas0-openmp" },
    prepare: prepareDrawing,
    finish: finishDrawing,
    check: checkDrawing,
  },
};

interface BenchOptions {
  readonly case?: string;
  readonly device: "cpu" | "cuda";
  readonly check?: boolean;
  readonly json?: boolean;
}

const names = [...Object.keys(benches), "quality", "costs", "serve", "search"];

async function bench(name: string, options: BenchOptions): Promise<void> {
  if (name === "quality") return quality(options);
  if (name === "costs") return costs(options);
  if (name === "serve") return serve(options);
  if (name === "search") return search(options);
  const found = benches[name];
  if (found === undefined) throw unknownName("bench", "bench", name, names);
  requireCase(
    options,
    found.cases.map((one) => one.name),
  );
  const threads = availableParallelism();
  setThreadCount(threads);
  const { script, install } = found.peer;
  const peer = await startPeer(script, install, threads, (await found.prepare?.()) ?? []);
  if (peer.kind === "missing") say(`no peer: Python cannot import what ${script} needs; ${peer.install}`);
  try {
    if (options.check) await check(found, peer);
    else await measure(found.cases, peer, options);
  } finally {
    if (peer.kind === "ready") peer.close();
    await found.finish?.();
  }
}

function requireCase({ case: only }: BenchOptions, cases: readonly string[]): void {
  if (only !== undefined && !cases.includes(only)) throw unknownName("bench", "case", only, cases);
}

/** Ways to draw with the demo's model: what they cost and how good they are. */
async function quality(options: BenchOptions): Promise<void> {
  requireCase(options, wayNames());
  setThreadCount(availableParallelism());
  for await (const row of measureQuality(options.case))
    process.stdout.write(`${options.json ? JSON.stringify(row) : qualitySentence(row)}\n`);
}

/** What drawings of random weights cost. */
async function costs(options: BenchOptions): Promise<void> {
  requireCase(options, []);
  for await (const row of measureCosts())
    process.stdout.write(`${options.json ? JSON.stringify(row) : costSentence(row)}\n`);
}

/** The demo's model behind a socket. */
async function serve(options: BenchOptions): Promise<void> {
  requireCase(options, servingCases);
  for await (const row of measureServing(options.case))
    process.stdout.write(`${options.json ? JSON.stringify(row) : servingSentence(row)}\n`);
}

/** Scenes found by the demo's model. */
async function search(options: BenchOptions): Promise<void> {
  requireCase(options, []);
  const row = await demoSearch();
  process.stdout.write(`${options.json ? JSON.stringify(row) : searchSentence(row)}\n`);
}

async function check({ check, peer: { script } }: Bench, peer: Peer): Promise<void> {
  if (check === undefined || peer.kind === "missing") throw new Error(`there is no check against ${script}`);
  for (const line of await check(peer)) process.stdout.write(`${line}\n`);
}

async function measure(
  cases: readonly BenchCase[],
  peer: Peer,
  { case: only, device, json }: BenchOptions,
): Promise<void> {
  const chosen = cases.filter((one) =>
    only === undefined ? (one.device ?? "cpu") === device : one.name === only,
  );
  for (const one of chosen) {
    if (one.missing) {
      say(`${one.name}: left out: ${one.missing}`);
      continue;
    }
    const row = await measureRow(one, peer);
    process.stdout.write(`${json ? JSON.stringify(row) : sentence(row)}\n`);
  }
}

function sentence({ case: name, ours, unit, peer, ratio, best, products, bound, busy }: BenchRow): string {
  return [
    `${name}: ${ours.toFixed(2)} ${unit}`,
    ...(ratio === null ? [] : [`peer ${peer!.toFixed(2)}, ratio ${ratio.toFixed(2)}`]),
    ...(best === undefined
      ? []
      : [`peer's best ${best.peer.toFixed(2)} (${best.case}), ratio ${best.ratio.toFixed(2)}`]),
    ...(products === undefined
      ? []
      : [
          `${products.teraflops.toPrecision(3)} TFLOP/s in products, ${(100 * products.share).toFixed(0)}% of the measured ceiling`,
        ]),
    ...(bound === undefined
      ? []
      : [
          `the machine allows ${bound.least.toFixed(2)}, ${(100 * bound.share).toFixed(0)}% of which is reached`,
        ]),
    ...(busy ? ["machine busy"] : []),
  ].join("; ");
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

const program = new Command("bench")
  .argument("<name>", `which bench: ${names.join(", ")}`)
  .option("--case <case>", "one row only")
  .addOption(new Option("--device <kind>", "rows of this device").choices(["cpu", "cuda"]).default("cpu"))
  .option("--check", "no row: whether both sides compute the same, where a bench can tell")
  .option("--json", "a line of JSON for each row")
  .addHelpText("after", "\nExample:\n  $ npm run bench -- engine --case matmul-f32 --json")
  .action(bench);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof DreamError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
