/** @file `dream plan`: what a recipe's run takes on so many devices, on paper, before anything is allocated. */
import { totalmem } from "node:os";
import type { Command } from "commander";
import { DreamError } from "../errors.js";
import type { DeviceKind } from "../plan/activations.js";
import { gigabytes } from "../plan/memory.js";
import { planRun, type RunPlan } from "../plan/run-plan.js";
import { type DeviceSpeed, usualEfficiency } from "../plan/time.js";
import { type Recipe, recipeNames } from "../recipe/recipe.js";
import { precisionOn } from "../recipe/run.js";
import { matmulGflops } from "../tensor/benchmark.js";
import { cudaDeviceCount } from "../tensor/index.js";
import { positive, real, whole } from "./numbers.js";
import { say, tell } from "./output.js";
import { clock } from "./progress.js";
import { readRecipeWith, setOption } from "./recipe-settings.js";

interface PlanOptions {
  readonly devices: number;
  readonly device: DeviceKind;
  readonly rate?: number;
  readonly efficiency?: number;
  readonly bandwidth?: number;
  readonly memory?: number;
  readonly samples: number;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** Captioned pictures of CC12M that can still be had, as the paper's recipes count them. */
const usualSamples = 11_000_000;

export function addPlan(program: Command): void {
  program
    .command("plan")
    .description("work out what a recipe's run takes: memory, arithmetic, communication, time and input")
    .argument("<recipe>", `a recipe's name (${recipeNames().join(", ")}) or a YAML file`)
    .option("--devices <N>", "devices, with a process for each", whole(1), 1)
    .addOption(
      program
        .createOption("--device <kind>", "what they are")
        .choices(["cpu", "cuda"] satisfies DeviceKind[])
        .default("cpu"),
    )
    .option("--rate <TFLOPS>", "what one device's matrix products reach (default: measured here)", positive)
    .option(
      "--efficiency <share>",
      `share of that rate that a step reaches (default: ${usualEfficiency.cpu} for cpu, ${usualEfficiency.cuda} for cuda)`,
      real("a share above 0 and at most 1", (number) => number > 0 && number <= 1),
    )
    .option(
      "--bandwidth <GB/s>",
      "what each device sends and receives at once (default: counted as no time)",
      positive,
    )
    .option("--memory <GB>", "of one device (default: this machine's, shared by its processes)", positive)
    .option(
      "--samples <N>",
      "captioned pictures of an epoch, for recipes of pictures",
      whole(1),
      usualSamples,
    )
    .addOption(setOption())
    .option("--json", "print one line of JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ dream plan scenes-nano\n" +
        "  $ dream plan dream-l --devices 32 --device cuda --rate 650 --bandwidth 50 --memory 80",
    )
    .action(plan);
}

function plan(name: string, options: PlanOptions): void {
  const { devices: processes, device, set } = options;
  const read = readRecipeWith(name, set);
  const recipe = { ...read, precision: precisionOn(device, read.precision) };
  const planned = planRun(recipe, {
    placement: { processes, device, frozen: 0 },
    speed: speedOf(recipe, options),
    available: availableBytes(options),
    samples: recipe.data.kind === "scenes" ? recipe.data.train : options.samples,
  });
  if (planned.verdict?.fits === false) process.exitCode = 1;
  if (options.json) tell(planned);
  else for (const line of describePlan(planned, options)) say(line);
}

function speedOf({ precision }: Recipe, { device, rate, efficiency, bandwidth }: PlanOptions): DeviceSpeed {
  return {
    rate: rate === undefined ? measuredRate(device, precision) : 1e12 * rate,
    efficiency: efficiency ?? usualEfficiency[device],
    bandwidth: bandwidth === undefined ? null : 1e9 * bandwidth,
  };
}

/** @throws DreamError `usage` where this machine has no such device */
function measuredRate(device: DeviceKind, precision: Recipe["precision"]): number {
  if (device === "cpu" || cudaDeviceCount() > 0) return 1e9 * matmulGflops(device, precision);
  throw new DreamError("usage", {
    operation: "plan for cuda",
    expected: "--rate with what one device's matrix products reach, since this machine has none to measure",
    got: "none",
  });
}

function availableBytes({ memory, device, devices }: PlanOptions): number | null {
  if (memory !== undefined) return 1e9 * memory;
  return device === "cpu" ? totalmem() / devices : null;
}

/** A plan's lines, a subject each. */
function describePlan(planned: RunPlan, options: PlanOptions): string[] {
  const { recipe, recipeHash, placement, parameters, verdict, available } = planned;
  const parts = Object.entries(parameters.parts)
    .filter(([, count]) => count > 1e4)
    .map(([part, count]) => `${part} ${millions(count)}`);
  const room = available === null ? "" : ` of ${gigabytes(available)}`;
  return [
    `${recipe} (${recipeHash}) on ${count(placement.processes, `${placement.device} device`)}`,
    `parameters     ${millions(parameters.total)}: ${parts.join(", ")}`,
    ...memoryLines(planned, room),
    ...timeLines(planned, options),
    ...inputLines(planned),
    ...(verdict === null ? ["verdict        unknown: --memory says what a device has"] : []),
    ...(verdict?.fits === true ? ["verdict        fits"] : []),
    ...(verdict?.fits === false ? [`verdict        does not fit: ${verdict.advice}`] : []),
  ];
}

function memoryLines({ memory, liveBytes, placement }: RunPlan, room: string): string[] {
  const { training, casts, buckets, activations, engine, snapshot, total } = memory;
  const parts = Object.entries({ training, casts, buckets, activations, engine })
    .filter(([, bytes]) => bytes > 0)
    .map(([part, bytes]) => `${part} ${gigabytes(bytes)}`);
  const where =
    placement.device === "cpu" ? "in it, of the first process" : "of the host, for the first process";
  return [
    `memory         ${gigabytes(total)}${room} a device: ${parts.join(", ")}`,
    `checkpoints    ${gigabytes(snapshot)} ${where}, for the copy that is written`,
    ...(liveBytes === null || liveBytes === 0
      ? []
      : [`frozen models  ${gigabytes(liveBytes)} more where training is not fed from a cache`]),
  ];
}

function timeLines(
  { flops, time, communication, speed }: RunPlan,
  { rate, bandwidth }: PlanOptions,
): string[] {
  const given = `${figures(speed.rate / 1e12)} TFLOP/s ${rate === undefined ? "measured here" : "given"}`;
  const seconds = time.communicationSeconds;
  const sent = `${gigabytes(communication.total)} sent by each device a step`;
  return [
    `arithmetic     ${figures(flops.total / 1e12)} TFLOP a step, forward and backward`,
    `step           ${figures(time.stepSeconds)} s at ${given}, of which steps reach ${speed.efficiency}` +
      `${time.imbalance > 1 ? `; the slowest process has ${time.imbalance.toFixed(2)} times the mean work` : ""}`,
    ...(communication.total === 0
      ? []
      : [
          `communication  ${sent}${seconds === null ? "" : `, ${figures(seconds)} s at ${bandwidth} GB/s, mostly beside the backward pass`}`,
        ]),
    `run            ${time.steps} steps, ${duration(time.runSeconds)}`,
  ];
}

function inputLines({ input, samples }: RunPlan): string[] {
  if (input === null) return [];
  const { imagesPerSecond, decodingCores, cache } = input;
  return [
    `input          ${figures(imagesPerSecond)} pictures/s: ${count(Math.ceil(decodingCores), "core")} to decode them`,
    ...(cache === null
      ? []
      : [
          `cache          ${gigabytes(cache.bytesPerSecond)} a second; ${gigabytes(cache.bytes)} for ${samples} samples`,
        ]),
  ];
}

/** Three digits, without exponents. */
const figures = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

const duration = (seconds: number): string =>
  seconds < 86_400 ? clock(seconds) : `${figures(seconds / 86_400)} days`;

const millions = (count: number): string => `${(count / 1e6).toFixed(1)}M`;
