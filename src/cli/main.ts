#!/usr/bin/env node
/** @file The command `dream`: the only place that ends the process. */
import { Command, CommanderError } from "commander";
import { DreamError } from "../errors.js";
import { Stopped } from "./interruption.js";
import { leaveToLauncher } from "./launcher.js";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

/** In the order in which help tells of them. */
const commands: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  demo: async () => (await import("./demo.js")).addDemo,
  train: async () => (await import("./train.js")).addTrain,
  generate: async () => (await import("./generate.js")).addGenerate,
  edit: async () => (await import("./edit.js")).addEdit,
  embed: async () => (await import("./embed.js")).addEmbed,
  serve: async () => (await import("./serve.js")).addServe,
  index: async () => (await import("./index-pictures.js")).addIndex,
  search: async () => (await import("./search.js")).addSearch,
  evaluate: async () => (await import("./evaluate.js")).addEvaluate,
  compare: async () => (await import("./compare.js")).addCompare,
  data: async () => (await import("./data.js")).addData,
  cache: async () => (await import("./cache.js")).addCache,
  convert: async () => (await import("./convert.js")).addConvert,
  plan: async () => (await import("./plan.js")).addPlan,
  setup: async () => (await import("./setup.js")).addSetup,
  doctor: async () => (await import("./doctor.js")).addDoctor,
};

/** The command that is asked for alone, which loads faster; all of them where it is none. */
const opened = (verb: string | undefined): (typeof commands)[string][] =>
  verb !== undefined && Object.hasOwn(commands, verb) ? [commands[verb]!] : Object.values(commands);

/** Exit codes: 0 done, 1 failed, 2 not understood, 130 and 143 stopped by a signal. */
async function main(): Promise<void> {
  const program = new Command("dream")
    .description("DREAM: one model that understands pictures and draws them from text (arXiv 2603.02667)")
    .exitOverride()
    .showHelpAfterError("(add --help for what is understood)");
  try {
    for (const open of opened(process.argv[2])) (await open())(program);
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Stopped) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof DreamError) {
    if (error.code === "peer" && leaveToLauncher(error.message)) return 1;
    process.stderr.write(`dream: ${error.message}\n`);
    return error.code === "usage" || error.code === "unknown-name" ? 2 : 1;
  }
  process.stderr.write(
    `dream: internal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}

await main();
