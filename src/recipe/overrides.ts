/** @file Settings from the command line in a recipe's place: `optimiser.weightDecay=0.1`, checked like the recipe itself. */
import { parse } from "yaml";
import { DreamError, unknownName } from "../errors.js";
import { type Recipe, recipeSchema } from "./recipe.js";

/**
 * A recipe with some of its entries replaced, in the order of the settings.
 * @param settings each `PATH=VALUE`: names with dots between them, and a value in YAML. An alternative is set as a whole
 * (`masking={kind: never}`) or, where it is in force, entry by entry (`masking.minimum=0.1`)
 * @throws DreamError `unknown-name` with the nearest paths, `usage` with what a path expects
 */
export function overridden(recipe: Recipe, settings: readonly string[]): Recipe {
  return settings.reduce(withSetting, recipe);
}

type Entries = Readonly<Record<string, unknown>>;

const isEntries = (value: unknown): value is Entries =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function withSetting(recipe: Recipe, setting: string): Recipe {
  const [, path = "", text = ""] = /^([^=]+)=(.*)$/s.exec(setting) ?? [];
  if (path === "")
    throw new DreamError("usage", {
      operation: "set an entry of the recipe",
      expected: "PATH=VALUE, such as optimiser.weightDecay=0.1",
      got: JSON.stringify(setting),
    });
  const names = path.split(".");
  requirePath(recipe, names);
  const value = yamlOf(path, text);
  const parsed = recipeSchema.safeParse(replaced(recipe, names, value));
  if (parsed.success) return parsed.data;
  const hint = hintFor(names, entryAt(recipe, names), value);
  throw new DreamError("usage", {
    operation: `set ${path}`,
    message: parsed.error.issues
      .map(({ path: at, message }) => ({ at: at.join("."), message: message.replace("Invalid input: ", "") }))
      .map(({ at, message }) => (at === path ? message : `${at}: ${message}`))
      .join("; "),
    ...(hint === undefined ? {} : { hint }),
    cause: parsed.error,
  });
}

function hintFor(names: readonly string[], before: unknown, value: unknown): string | undefined {
  if (names.at(-1) === "kind")
    return `set the alternative as a whole: ${names.slice(0, -1).join(".")}='{kind: ...}'`;
  if (!isEntries(before) || isEntries(value)) return undefined;
  const entries = Object.keys(before).map((name) => [...names, name].join("."));
  return `it has entries of its own: ${entries.join(", ")}`;
}

/** @throws DreamError where a recipe has no such entry */
function requirePath(recipe: Recipe, names: readonly string[]): void {
  const depth = names.findIndex((_, i) => !hasOwn(entryAt(recipe, names.slice(0, i)), names[i]!));
  if (depth === -1) return;
  const path = names.join(".");
  const above = names.slice(0, depth).join(".");
  const value = entryAt(recipe, names.slice(0, depth));
  if (!isEntries(value))
    throw new DreamError("usage", {
      operation: `set ${path}`,
      expected: `${above} to be set as a whole, since it has no entries here`,
      got: `${above}: ${JSON.stringify(value)}`,
    });
  const known = pathsOf(recipe);
  // The right entry in the wrong place is nearer than one that is spelled alike.
  const namesakes = known.filter((one) => one.split(".").at(-1) === names.at(-1));
  throw unknownName("set an entry of the recipe", "path", path, namesakes.length > 0 ? namesakes : known);
}

const hasOwn = (value: unknown, name: string): boolean => isEntries(value) && Object.hasOwn(value, name);

function entryAt(value: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>((one, name) => (isEntries(one) ? one[name] : undefined), value);
}

/** Every entry's path, those of entries with entries too. */
function pathsOf(value: unknown, prefix = ""): string[] {
  if (!isEntries(value)) return [];
  return Object.entries(value).flatMap(([name, one]) => [
    `${prefix}${name}`,
    ...pathsOf(one, `${prefix}${name}.`),
  ]);
}

function replaced(value: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
  return name === undefined
    ? by
    : { ...(value as Entries), [name]: replaced((value as Entries)[name], rest, by) };
}

function yamlOf(path: string, text: string): unknown {
  try {
    return parse(text, { logLevel: "error" });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new DreamError("usage", {
      operation: `set ${path}`,
      expected: "a value in YAML",
      got: `${JSON.stringify(text)}: ${message}`,
      cause,
    });
  }
}
