/** @file What a comparison has measured, on disk: a file for each system and seed, written whole after each part. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DreamError } from "../errors.js";
import type { Measurement } from "../evaluate/measurement.js";
import { writeAtomically } from "../formats/atomic.js";

const measurement = z.strictObject({
  value: z.number(),
  interval: z.strictObject({ low: z.number(), high: z.number() }).nullable(),
  samples: z.int(),
  outcomes: z.array(z.number()).nullable(),
  details: z.record(z.string(), z.json()),
});

const measurements = z.record(z.string(), measurement);

const resultSchema = z.strictObject({
  comparison: z.string(),
  system: z.string(),
  seed: z.int(),
  /** Of the recipe that was trained. */
  recipeHash: z.string(),
  steps: z.int(),
  /** Of training, on the machine named; what an interruption threw away is not counted. */
  trainingSeconds: z.number(),
  machine: z.string(),
  /** The version of the package, and the commit where it was run from a repository. */
  madeBy: z.string(),
  /** What was measured of the model itself. */
  understanding: measurements,
  /** What was measured of its drawings, by decoder. */
  drawings: z.record(z.string(), measurements),
});

/** All that is known of one system at one seed. */
export type SystemResult = z.infer<typeof resultSchema>;

const pathOf = (folder: string, system: string, seed: number): string =>
  join(folder, "results", `${system}-${seed}.json`);

/** @returns null where nothing was measured yet @throws DreamError `format` where the file is damaged */
export function readResult(folder: string, system: string, seed: number): SystemResult | null {
  const path = pathOf(folder, system, seed);
  if (!existsSync(path)) return null;
  try {
    const parsed = resultSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", {
      operation: `read ${path}`,
      message,
      hint: "remove the file; what it held is measured again",
      cause,
    });
  }
}

/** All results of a comparison's folder, in the order of their names. */
export function readResults(folder: string): SystemResult[] {
  const results = join(folder, "results");
  if (!existsSync(results)) return [];
  return readdirSync(results)
    .sort()
    .flatMap((file) => {
      const [, system, seed] = /^(.+)-(\d+)\.json$/.exec(file) ?? [];
      return system === undefined ? [] : (readResult(folder, system, Number(seed)) ?? []);
    });
}

export function writeResult(folder: string, result: SystemResult): Promise<void> {
  const text = `${JSON.stringify(rounded(result))}\n`;
  return writeAtomically(pathOf(folder, result.system, result.seed), (file) => file.writeFile(text));
}

/** Outcomes to seven digits, which is what float32 has. */
function rounded(result: SystemResult): SystemResult {
  const shorter = (one: SystemResult["understanding"]): SystemResult["understanding"] =>
    Object.fromEntries(
      Object.entries(one).map(([name, measured]) => [
        name,
        { ...measured, outcomes: measured.outcomes?.map((value) => Number(value.toPrecision(7))) ?? null },
      ]),
    );
  return {
    ...result,
    understanding: shorter(result.understanding),
    drawings: Object.fromEntries(
      Object.entries(result.drawings).map(([decoder, measured]) => [decoder, shorter(measured)]),
    ),
  };
}

/** A measurement as it is kept. */
export const kept = (one: Measurement): SystemResult["understanding"][string] => ({
  ...one,
  interval: one.interval === null ? null : { low: one.interval.low, high: one.interval.high },
  outcomes: one.outcomes === null ? null : [...one.outcomes],
  details: structuredClone(one.details) as SystemResult["understanding"][string]["details"],
});
