/**
 * @file A comparison as data: systems that are trained alike, ways to draw with them, what is measured, and what is claimed. A folder with a
 * `comparison.yaml` and a recipe for each system.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { DreamError, unknownName } from "../errors.js";
import { type RecipeOf, readRecipe, recipeOf, stepsOf } from "../recipe/recipe.js";
import { packageRoot } from "../tensor/index.js";

const name = z.string().regex(/^[a-z0-9-]+$/);
const share = z.number().min(0).max(1);
const candidates = z.int().min(2);

const decoderSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("plain") }),
  z.strictObject({ kind: z.literal("aligned"), candidates, atFraction: share }),
  z.strictObject({ kind: z.literal("each-step"), candidates, fromFraction: share }),
  /** All candidates finished, and the one kept that another system's towers score highest. */
  z.strictObject({ kind: z.literal("reranked"), candidates, by: name }),
]);

/** How a comparison's drawings are made. */
export type Decoder = z.infer<typeof decoderSchema>;

/** A system, with a decoder where the claim is about drawings. */
const sideSchema = z.strictObject({ system: name, decoder: name.optional() });

const claimSchema = z.strictObject({
  /** As a sentence. */
  claim: z.string(),
  measure: name,
  better: sideSchema,
  than: sideSchema,
  expects: z.enum(["better", "no-worse"]),
  /** The paper's figures for both sides, where it has them. */
  paper: z.strictObject({ better: z.number(), than: z.number(), unit: z.string() }).nullable(),
});

const comparisonSchema = z.strictObject({
  title: z.string(),
  /** What a reader has to know: sizes, what differs from the paper. */
  about: z.string(),
  /** Recipes beside this file, by the systems' names. */
  systems: z.record(
    name,
    z.strictObject({
      title: z.string(),
      seeds: z.enum(["all", "first"]),
      /** Added to each seed, for a system that is to be another one than its twin. */
      seedOffset: z.int().min(0).default(0),
    }),
  ),
  decoders: z.record(name, decoderSchema),
  /** Which systems draw, and how. */
  drawings: z.record(name, z.array(name).min(1)),
  /** Training pictures that probes learn from, and captions that are drawn: the first ones. */
  samples: z.strictObject({ probe: z.int().positive(), drawings: z.int().positive() }),
  /** The system that measures distances between pictures, and how well they fit their captions; trained at the first seed. */
  judge: name,
  measures: z.array(name).min(1),
  claims: z.array(claimSchema),
});

export type Claim = z.infer<typeof claimSchema>;
export type ClaimSide = z.infer<typeof sideSchema>;

export interface System {
  readonly name: string;
  readonly title: string;
  /** Trained for every seed, or for the first alone. */
  readonly seeds: "all" | "first";
  readonly seedOffset: number;
  readonly recipe: RecipeOf<"scenes">;
  /** Decoders that it draws with, by name; none for one that does not draw. */
  readonly decoders: readonly string[];
}

export interface Comparison extends Omit<z.infer<typeof comparisonSchema>, "systems" | "drawings"> {
  readonly name: string;
  readonly systems: readonly System[];
}

const definition = "comparison.yaml";

const comparisonsFolder = (): string => join(packageRoot(), "recipes", "comparisons");

/** The comparisons that come with the package. */
export function comparisonNames(): string[] {
  return readdirSync(comparisonsFolder()).filter((one) =>
    existsSync(join(comparisonsFolder(), one, definition)),
  );
}

/**
 * Reads one of the package's comparisons by its name, or a folder of one's own.
 * @throws DreamError `unknown-name`, `format` with every mistake, `value` where systems are not trained alike
 */
export function readComparison(named: string): Comparison {
  const folder = existsSync(join(named, definition)) ? named : join(comparisonsFolder(), named);
  if (!existsSync(join(folder, definition)))
    throw unknownName("read comparison", "comparison", named, comparisonNames());
  const path = join(folder, definition);
  const parsed = comparisonSchema.safeParse(readYaml(path));
  if (!parsed.success)
    throw new DreamError("format", {
      operation: `read ${path}`,
      message: z.prettifyError(parsed.error),
      hint: "correct the entries named",
    });
  const { systems, drawings, ...rest } = parsed.data;
  const comparison: Comparison = {
    ...rest,
    name: basename(folder),
    systems: Object.entries(systems).map(([system, about]) => ({
      name: system,
      ...about,
      recipe: recipeOf("scenes", readRecipe(join(folder, `${system}.yaml`))),
      decoders: drawings[system] ?? [],
    })),
  };
  checkNames(comparison, Object.keys(drawings), path);
  checkAlike(comparison, path);
  return comparison;
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("format", { operation: `read ${path}`, message, cause });
  }
}

/** @throws DreamError `unknown-name` where something is named that is not there */
function checkNames(
  { systems, decoders, judge, measures, claims }: Comparison,
  drawing: string[],
  path: string,
): void {
  const names = systems.map((one) => one.name);
  const known = (kind: string, one: string, all: readonly string[]): void => {
    if (!all.includes(one)) throw unknownName(`read ${path}`, kind, one, [...all]);
  };
  known("system", judge, names);
  for (const one of drawing) known("system", one, names);
  for (const { decoders: used } of systems)
    for (const one of used) known("decoder", one, Object.keys(decoders));
  for (const decoder of Object.values(decoders))
    if (decoder.kind === "reranked") known("system", decoder.by, names);
  for (const { measure, better, than } of claims) {
    known("measure", measure, measures);
    for (const { system, decoder } of [better, than]) {
      known("system", system, names);
      if (decoder !== undefined)
        known("decoder", decoder, systems.find((one) => one.name === system)!.decoders);
    }
  }
}

/** @throws DreamError `unknown-name` where a name is none of its systems' */
export function checkSystems({ name: comparison, systems }: Comparison, names: readonly string[]): void {
  const known = systems.map((one) => one.name);
  const wrong = names.find((one) => !known.includes(one));
  if (wrong !== undefined) throw unknownName(`compare ${comparison}`, "system", wrong, known);
}

/** What every system of a comparison has in common: data, order, steps, and the sizes of its network. */
function alike({ recipe }: System) {
  const { data, codec, captions, seed, batchSize, model } = recipe;
  const { latent, encoder, decoder, head, bufferTokens } = model;
  const steps = stepsOf(recipe, data.train);
  return { data, codec, captions, seed, batchSize, steps, latent, encoder, decoder, head, bufferTokens };
}

/** @throws DreamError `value` naming what differs between two systems that has to be the same */
function checkAlike({ systems }: Comparison, path: string): void {
  const [first, ...others] = systems.map(alike);
  for (const [i, other] of others.entries())
    for (const key of Object.keys(first!) as (keyof typeof other)[])
      if (JSON.stringify(first![key]) !== JSON.stringify(other[key]))
        throw new DreamError("value", {
          operation: `read ${path}`,
          expected: `the same ${key} in all systems: ${JSON.stringify(first![key])} as in ${systems[0]!.name}`,
          got: `${JSON.stringify(other[key])} in ${systems[i + 1]!.name}`,
        });
}
