/** @file `dream index`: a folder's pictures made findable by a sentence; what has not changed is not read again. */
import type { Command } from "commander";
import { Dream } from "../dream.js";
import { PictureIndex } from "../search/picture-index.js";
import { commandLine } from "./command-line.js";
import { deviceOption } from "./device.js";
import { hubOptions } from "./hub-options.js";
import { interruption } from "./interruption.js";
import { say, tell } from "./output.js";
import { Progress } from "./progress.js";

interface IndexFlags {
  readonly model: string;
  readonly index: string;
  readonly device: string;
  readonly json?: boolean;
}

export function addIndex(program: Command): void {
  program
    .command("index")
    .description("embed a folder's pictures into an index on disk, which `dream search` looks through")
    .argument("<folder>", "JPEG, PNG and WebP pictures, in it and below")
    .requiredOption("--model <model>", "a run's folder, such as runs/demo, or owner/name on the hub")
    .option("--index <folder>", "where the index is, or begins", "pictures.index")
    .addOption(deviceOption())
    .option("--json", "print what was done as one line of JSON")
    .addHelpText("after", "\nExample:\n  $ dream index out --model runs/demo --index pictures.index")
    .action(index);
}

async function index(folder: string, { model, index: at, device, json }: IndexFlags): Promise<void> {
  const resume = commandLine("dream index", { "--model": model, "--index": at, "--device": device }).replace(
    "dream index",
    `dream index ${folder}`,
  );
  const stop = interruption(resume);
  const dream = await Dream.load(model, { device, hub: hubOptions() });
  const progress = new Progress("Embedding");
  try {
    const pictures = await PictureIndex.open(at, dream, model);
    const report = await pictures.update(folder, {
      signal: stop.signal,
      onProgress: (done, all) => progress.update(done, all),
    });
    for (const { path, reason } of report.broken) say(`${path} is left out: ${reason}`);
    const { added, unchanged, removed, broken } = report;
    if (json) tell({ ...report, count: pictures.count });
    else
      say(
        `${added} added, ${unchanged} unchanged, ${removed} gone, ${broken.length} left out; ${at} has ${pictures.count} pictures.`,
      );
    await pictures.close();
  } finally {
    stop.release();
    await dream.dispose();
  }
}
