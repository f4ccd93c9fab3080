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

/** Exit codes: 0 done, 1 failed, 2 not understood, 130 and 143 stopped by a signal. */
async function main(): Promise<void> {
  const program = new Command("dream")
    .description("DREAM: one model that understands pictures and draws them from text (arXiv 2603.02667)")
    .exitOverride()
    .showHelpAfterError("(add --help for what is understood)");
  try {
    const { addCache } = await import("./cache.js");
    const { addCompare } = await import("./compare.js");
    const { addConvert } = await import("./convert.js");
    const { addData } = await import("./data.js");
    const { addDemo } = await import("./demo.js");
    const { addDoctor } = await import("./doctor.js");
    const { addEdit } = await import("./edit.js");
    const { addEmbed } = await import("./embed.js");
    const { addEvaluate } = await import("./evaluate.js");
    const { addGenerate } = await import("./generate.js");
    const { addPlan } = await import("./plan.js");
    const { addTrain } = await import("./train.js");
    for (const add of [
      addDemo,
      addTrain,
      addGenerate,
      addEdit,
      addEmbed,
      addEvaluate,
      addCompare,
      addData,
      addCache,
      addConvert,
      addPlan,
      addDoctor,
    ])
      add(program);
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
