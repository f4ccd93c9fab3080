/** @file What figures were measured on, and when. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { engineVersion, packageRoot } from "./tensor/index.js";

/** Where and when. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  readonly libtorch: string;
  readonly version: string;
  readonly date: string;
}

export function packageVersion(): string {
  const told = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string };
  return told.version;
}

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    libtorch: engineVersion(),
    version: packageVersion(),
    date: new Date().toISOString().slice(0, 10),
  };
}
