/** @file Where a command computes: `--device auto|cpu|cuda|cuda:1`. */
import { Option } from "commander";

export function deviceOption(): Option {
  return new Option("--device <name>", "where to compute: auto, cpu, cuda or cuda:1").default("auto");
}
