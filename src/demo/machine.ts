/** @file What a demo ran on. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import type { Machine } from "../report/demo-story.js";
import { engineVersion, packageRoot } from "../tensor/index.js";

export function thisMachine(): Machine {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as {
    version: string;
  };
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    libtorch: engineVersion(),
    version,
    date: new Date().toISOString().slice(0, 10),
  };
}
