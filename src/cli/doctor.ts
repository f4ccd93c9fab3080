/** @file `dream doctor`: what the engine is and how fast, and with `--golden` whether its arithmetic is the original's. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { DreamError } from "../errors.js";
import { checkGolden } from "../golden/check.js";
import { measureEngine } from "../tensor/benchmark.js";
import { cudaDeviceCount, engineVersion, packageRoot, threadCount } from "../tensor/index.js";
import { say, tell } from "./output.js";

interface DoctorOptions {
  readonly golden?: string;
  readonly device: string;
  readonly json?: boolean;
}

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description(
      "report the engine and its speed; with --golden, check its arithmetic against recordings of the original",
    )
    .option("--golden <folder>", "recordings to check, such as test/golden")
    .option("--device <name>", "where to compute: cpu, cuda, cuda:1", "cpu")
    .option("--json", "print one line of JSON")
    .addHelpText("after", "\nExamples:\n  $ dream doctor\n  $ dream doctor --golden test/golden --json")
    .action((options: DoctorOptions) =>
      options.golden === undefined ? examine(options) : check(options.golden, options),
    );
}

function check(folder: string, { device, json }: DoctorOptions): void {
  const { checks, failed, skipped, worst } = checkGolden(folder, device);
  if (failed.length > 0) process.exitCode = 1;
  if (json) {
    // JSON has no infinity.
    const worstError =
      worst === null ? null : { name: worst.name, error: Math.min(worst.error, Number.MAX_VALUE) };
    tell({ checked: checks.length, failed: failed.length, skipped: skipped.length, worst: worstError });
    return;
  }
  for (const { name, error } of failed) say(`FAILED ${name}: ${error.toPrecision(3)} times the allowance`);
  for (const reason of skipped) say(`skipped ${reason}`);
  say(`${checks.length} quantities checked, ${failed.length} failed, ${skipped.length} skipped.`);
  if (worst !== null) say(`The worst is ${worst.name}, at ${worst.error.toPrecision(3)} of its allowance.`);
}

interface EngineRecord {
  readonly origin: string;
  readonly root: string;
  readonly compiler: string;
}

/** What set-up wrote of the libtorch that it linked. */
function readEngineRecord(): EngineRecord {
  const path = join(packageRoot(), "build", "engine.json");
  try {
    return JSON.parse(readFileSync(path, "utf8")) as EngineRecord;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("engine", {
      operation: `read ${path}`,
      message,
      hint: "run `npm run setup` again",
      cause,
    });
  }
}

function examine({ device, json }: DoctorOptions): void {
  const record = readEngineRecord();
  const blas = blasInUse();
  const speed = measureEngine(device);
  const problems = [
    ...(blas.kind === "pthread"
      ? ["OpenBLAS runs threads of its own; `npm run setup` brings the one that shares libtorch's"]
      : []),
    ...(threadCount() < availableParallelism()
      ? [`${threadCount()} of ${availableParallelism()} cores are used; is OMP_NUM_THREADS set?`]
      : []),
  ];
  const report = {
    libtorch: { version: engineVersion(), origin: record.origin, root: record.root },
    blas,
    threads: threadCount(),
    cores: availableParallelism(),
    devices: ["cpu", ...Array.from({ length: cudaDeviceCount() }, (_, i) => `cuda:${i}`)],
    device,
    ...speed,
    problems,
  };
  if (json) {
    tell(report);
    return;
  }
  say(`libtorch   ${report.libtorch.version}, ${record.origin} (${record.root})`);
  say(`BLAS       ${blas.kind}${blas.path === null ? "" : ` (${blas.path})`}`);
  say(`threads    ${report.threads} on ${report.cores} cores`);
  say(`devices    ${report.devices.join(", ")}`);
  say(`float32    ${speed.float32Gflops.toFixed(0)} GFLOP/s on ${device}`);
  say(`bfloat16   ${speed.bfloat16Gflops.toFixed(0)} GFLOP/s`);
  say(`operator   ${speed.operatorMicroseconds.toFixed(2)} microseconds`);
  for (const problem of problems) say(`problem    ${problem}`);
  if (problems.length === 0) say("Nothing is wrong.");
}

/** Which BLAS this process has mapped. */
function blasInUse(): { readonly kind: string; readonly path: string | null } {
  const maps = existsSync("/proc/self/maps") ? readFileSync("/proc/self/maps", "utf8") : "";
  const path = /\/\S*lib(?:openblas|mkl_core|blas)[^\s/]*\.so\S*/.exec(maps)?.[0] ?? null;
  if (path === null) return { kind: "built into libtorch", path };
  const kind = /openmp/.test(path) ? "OpenBLAS, OpenMP" : /pthread/.test(path) ? "pthread" : "BLAS";
  return { kind, path };
}
