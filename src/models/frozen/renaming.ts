/** @file Stored names of a frozen model's weights, from our property paths: replacements, applied in order. */

export type Renaming = readonly (readonly [pattern: RegExp, name: string])[];

/** @param path a property path, e.g. `blocks.0.norm1.weight` */
export function renamed(path: string, renaming: Renaming): string {
  return renaming.reduce((name, [pattern, replacement]) => name.replace(pattern, replacement), path);
}
