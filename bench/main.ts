/**
 * @file `npm run bench -- NAME [--case CASE] [--json]`: a row for each case, ours beside the peer's, measured in turns in one run.
 * Example: `npm run bench -- engine --case matmul-f32 --json`
 */
import { availableParallelism } from "node:os";
import { Command } from "commander";
import { DreamError, unknownName } from "../src/errors.js";
import { setThreadCount } from "../src/tensor/index.js";
import { dataCases, finishData, prepareData } from "./data.js";
import { engineCases } from "./engine.js";
import { startPeer } from "./peer.js";
import { type BenchCase, measureRow } from "./rows.js";

interface Bench {
  readonly cases: readonly BenchCase[];
  /** Its script, and what a person installs for it. */
  readonly peer: { readonly script: string; readonly install: string };
  /** Makes data; the peer is told what it gives back. */
  readonly prepare?: () => Promise<readonly string[]>;
  readonly finish?: () => Promise<void>;
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
};

async function bench(
  name: string,
  options: { readonly case?: string; readonly json?: boolean },
): Promise<void> {
  const found = benches[name];
  if (found === undefined) throw unknownName("bench", "bench", name, Object.keys(benches));
  const names = found.cases.map((one) => one.name);
  if (options.case !== undefined && !names.includes(options.case))
    throw unknownName("bench", "case", options.case, names);
  const threads = availableParallelism();
  setThreadCount(threads);
  const { script, install } = found.peer;
  const peer = await startPeer(script, install, threads, (await found.prepare?.()) ?? []);
  if (peer.kind === "missing")
    process.stderr.write(`no peer: Python cannot import what ${script} needs; ${peer.install}\n`);
  for (const one of found.cases) {
    if (options.case !== undefined && one.name !== options.case) continue;
    const row = await measureRow(one, peer);
    if (options.json) process.stdout.write(`${JSON.stringify(row)}\n`);
    else {
      const compared =
        row.ratio === null ? "" : `, peer ${row.peer!.toFixed(2)}, ratio ${row.ratio.toFixed(2)}`;
      process.stdout.write(
        `${row.case}: ${row.ours.toFixed(2)} ${row.unit}${compared}${row.busy ? " (machine busy)" : ""}\n`,
      );
    }
  }
  if (peer.kind === "ready") peer.close();
  await found.finish?.();
}

const program = new Command("bench")
  .argument("<name>", `which bench: ${Object.keys(benches).join(", ")}`)
  .option("--case <case>", "one row only")
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
