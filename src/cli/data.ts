/** @file `dream data scenes`: pictures with captions, masks and depth, rendered here as webdataset shards. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Split } from "../data/scenes/draw.js";
import { sceneLevels } from "../data/scenes/vocabulary.js";
import { writeScenes } from "../data/scenes/write.js";
import { interruption } from "./interruption.js";
import { whole } from "./numbers.js";
import { say, tell } from "./output.js";
import { Progress } from "./progress.js";

interface ScenesOptions {
  readonly level: (typeof sceneLevels)[number];
  readonly count: number;
  readonly split: Split;
  readonly seed: number;
  readonly size?: number;
  readonly out: string;
  readonly shard: number;
  readonly json?: boolean;
}

/** Side of the pictures of each level where none is asked for; textures need more pixels. */
const usualSize = { 1: 32, 2: 64, 3: 64 } as const;

export function addData(program: Command): void {
  program
    .command("data")
    .description("make data sets")
    .command("scenes")
    .description(
      "render captioned scenes with their truth, object masks (8-bit PNG) and depth (16-bit PNG, millimetres) as webdataset shards",
    )
    .addOption(
      new Option(
        "--level <level>",
        "1: one object; 2: two, textured; 3: up to four, with occlusion and clutter",
      )
        .choices(sceneLevels.map(String))
        .argParser((text) => {
          const level = sceneLevels.find((one) => String(one) === text);
          if (level === undefined)
            throw new InvalidArgumentError(`Allowed choices are ${sceneLevels.join(", ")}.`);
          return level;
        })
        .default(1),
    )
    .option("--count <N>", "samples", whole(1), 1000)
    .addOption(
      new Option("--split <name>", "combinations to train on, or those that are kept back")
        .choices(["train", "held-out"])
        .default("train"),
    )
    .option("--seed <number>", "the same seed renders the same bytes", whole(0), 1)
    .option("--size <pixels>", "side of the pictures (default: 32 at level 1, else 64)", whole(16, 1024))
    .option("--shard <N>", "samples in a shard", whole(1), 2000)
    .requiredOption("--out <folder>", "where the shards go")
    .option("--json", "print one line of JSON with the shards' paths")
    .addHelpText(
      "after",
      "\nExample:\n  $ dream data scenes --level 2 --count 10000 --seed 1 --out data/scenes",
    )
    .action(scenes);
}

async function scenes(options: ScenesOptions): Promise<void> {
  const { level, count, split, seed, size = usualSize[level], out, shard, json } = options;
  const progress = new Progress("Rendering scenes");
  const stop = interruption("run the same command again");
  const shards = await writeScenes({
    level,
    split,
    count,
    seed,
    sizePixels: size,
    folder: out,
    samplesPerShard: shard,
    onProgress: (written) => {
      progress.update(written, count);
      stop.signal.throwIfAborted();
    },
  });
  stop.release();
  say(`${count} scenes of level ${level} (${split}, ${size} px) in ${shards.length} shards: ${out}`);
  if (json) tell({ level, split, count, seed, sizePixels: size, shards });
}
